#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

namespace riffle {

/// When a run has to end: at a time, or soon after somebody has asked for it. May be asked by
/// several threads at once.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  /// How long after a stop has been noticed each part of the end of a run may go on, in seconds: a
  /// scheduler that asks a process to end kills it some ten or thirty seconds later.
  static constexpr double draws_after_stop = 2;
  static constexpr double figures_after_stop = 4;  // beside what they take in haste
  static constexpr double files_after_stop = 3;    // of their own

  Deadline() = default;
  /// `stop` may be null, and `seconds` from now on infinite.
  explicit Deadline(const std::atomic<bool>* stop,
                    double seconds = std::numeric_limits<double>::infinity());

  bool stopped() const { return stop_ != nullptr && stop_->load(std::memory_order_relaxed); }
  /// Seconds until the end, a stop apart.
  double left() const;
  /// Whether it is the end, `before` seconds ahead of the time or `after_stop` seconds after a stop
  /// was first noticed here.
  bool over(double after_stop, double before = 0) const;

 private:
  const std::atomic<bool>* stop_ = nullptr;
  Clock::time_point start_ = Clock::now();
  double seconds_ = std::numeric_limits<double>::infinity();
  mutable std::atomic<double> stopped_at_{std::numeric_limits<double>::infinity()};  // after start_
};

}  // namespace riffle
