#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

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
  /// Of all threads together.
  double seconds() const {
    return static_cast<double>(nanoseconds_.load(std::memory_order_relaxed)) * 1e-9;
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
    if (calls_ != nullptr) calls_->ended.fetch_add(1, std::memory_order_relaxed);
  }

  const Density<double>& density_;
  TargetCalls* calls_;
  mutable std::atomic<std::uint64_t> evaluations_{0};
  mutable std::atomic<std::uint64_t> nanoseconds_{0};
};

}  // namespace riffle
