#pragma once

#include "riffle/target.h"
#include "targets/density.h"

namespace riffle {

/// A user's target as a density of the house.
class UserDensity final : public Density<double> {
 public:
  explicit UserDensity(const Target& target) : Density<double>(target.dim()), target_(target) {}

 private:
  void evaluate_impl(Tile<const double> z, double* log_density,
                     Tile<double> gradient) const override {
    target_.evaluate(z, {log_density, z.count()}, gradient);
  }

  const Target& target_;
};

}  // namespace riffle
