#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "riffle/posterior.h"
#include "targets/density.h"

namespace riffle {

/// A density that counts what it is asked for, and the time that takes.
class MeteredDensity final : public Density<double> {
 public:
  /// `calls`, where there are some, are told of each call as it begins and ends.
  explicit MeteredDensity(const Density<double>& density, TargetCalls* calls = nullptr)
      : Density<double>(density.dim()), density_(density), calls_(calls) {}

  std::uint64_t evaluations() const { return evaluations_.load(std::memory_order_relaxed); }
  /// Of these, those that gave no number: NaN or +∞.
  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  /// Of all threads together.
  double seconds() const {
    return static_cast<double>(nanoseconds_.load(std::memory_order_relaxed)) * 1e-9;
  }
  /// What a call with so many points takes, by those that were made: a line through times against
  /// numbers of points (least squares), of which neither end is negative. 0 before the first call.
  double seconds_of_call(std::size_t points) const {
    const auto value = [](const auto& sum) {
      return static_cast<double>(sum.load(std::memory_order_relaxed));
    };
    const double n = value(done_);
    if (n == 0) return 0;
    const double mean_points = value(evaluations_) / n;
    const double mean_time = seconds() / n;
    const double variance = value(squares_) / n - mean_points * mean_points;
    const double covariance = 1e-9 * value(products_) / n - mean_points * mean_time;
    // Where all calls are of one size, and where small ones seem to take no time, time is taken to
    // be in proportion to points.
    const double proportional = mean_time / mean_points;
    const double slope = variance > 1e-9 * mean_points * mean_points
                             ? std::clamp(covariance / variance, 0.0, proportional)
                             : proportional;
    return mean_time + slope * (static_cast<double>(points) - mean_points);
  }

 private:
  void evaluate_impl(Tile<const double> z, double* log_density,
                     Tile<double> gradient) const override {
    using Clock = std::chrono::steady_clock;
    if (calls_ != nullptr) calls_->begun.fetch_add(1, std::memory_order_relaxed);
    const auto start = Clock::now();
    density_.evaluate(z, log_density, gradient);
    const auto taken = std::chrono::nanoseconds(Clock::now() - start).count();
    nanoseconds_.fetch_add(static_cast<std::uint64_t>(taken), std::memory_order_relaxed);
    evaluations_.fetch_add(z.count(), std::memory_order_relaxed);
    squares_.fetch_add(z.count() * z.count(), std::memory_order_relaxed);
    products_.fetch_add(z.count() * static_cast<std::uint64_t>(taken), std::memory_order_relaxed);
    done_.fetch_add(1, std::memory_order_relaxed);
    const auto failed = std::count_if(log_density, log_density + z.count(), [](double x) {
      return !(x < std::numeric_limits<double>::infinity());
    });
    failures_.fetch_add(static_cast<std::uint64_t>(failed), std::memory_order_relaxed);
    if (calls_ != nullptr) calls_->ended.fetch_add(1, std::memory_order_relaxed);
  }

  const Density<double>& density_;
  TargetCalls* calls_;
  mutable std::atomic<std::uint64_t> evaluations_{0};
  mutable std::atomic<std::uint64_t> failures_{0};
  mutable std::atomic<std::uint64_t> nanoseconds_{0};
  mutable std::atomic<std::uint64_t> done_{0};      ///< calls
  mutable std::atomic<std::uint64_t> squares_{0};   ///< Σ points²
  mutable std::atomic<std::uint64_t> products_{0};  ///< Σ points · nanoseconds
};

}  // namespace riffle
