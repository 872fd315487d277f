#pragma once

#include <optional>
#include <span>

#include "targets/density.h"

namespace riffle {

/// ln ∫p in one or two dimensions, by the midpoint rule on finer and finer grids over all of the
/// mass: looked for in a box four times as wide as `points` [n][dim] reach, and wider as long as
/// there is mass at its edge. Empty where two grids do not agree to 1e-6, where p has no value
/// somewhere, where its mass has no end, and in more dimensions.
std::optional<double> log_integral(const Density<double>& density, std::span<const double> points);

}  // namespace riffle
