#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "riffle/target.h"

namespace riffle {

enum class FormulaKind {
  density,      ///< the formula is p; its logarithm is taken so that it does not vanish far out
  log_density,  ///< the formula is ln p
};

/// A target from a formula in named coordinates (docs/formulas.md), with its gradient, computed
/// over lanes in double precision, such as
///
///   formula_target("exp(-0.5*(x^2 + (y - x^2)^2/0.25))")
///
/// Its parameters are named as the coordinates are: as `coordinates` says, or, where that is empty,
/// the free names in the order they appear in. A point where p is negative or has no value is a
/// failed evaluation. Throws Error{usage}, with line and column, for what cannot be read.
std::unique_ptr<Target> formula_target(std::string_view formula,
                                       FormulaKind kind = FormulaKind::density,
                                       const std::vector<std::string>& coordinates = {});

}  // namespace riffle
