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

/// Throws Error for a target that no fit can do with: Error{usage} where its dimension is 0,
/// Error{data} for names of its values that no table could have.
void check_target(const Target& target);

}  // namespace riffle
