#pragma once

#include <atomic>
#include <cstdint>

#include "riffle/target.h"
#include "targets/density.h"

namespace riffle {

/// A user's target as a density of the house, which counts the points it was evaluated at.
class UserDensity final : public Density<double> {
 public:
  explicit UserDensity(const Target& target) : Density<double>(target.dim()), target_(target) {}

  std::uint64_t evaluations() const { return evaluations_.load(std::memory_order_relaxed); }

 private:
  void evaluate_impl(Tile<const double> z, double* log_density,
                     Tile<double> gradient) const override {
    evaluations_.fetch_add(z.count(), std::memory_order_relaxed);
    target_.evaluate(z, {log_density, z.count()}, gradient);
  }

  const Target& target_;
  mutable std::atomic<std::uint64_t> evaluations_{0};
};

}  // namespace riffle
