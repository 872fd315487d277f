#pragma once

#include <cstdint>
#include <functional>

#include "posterior/point_density.h"
#include "riffle/diagnostics.h"

namespace riffle {

/// riffle::check_gradient of a density. Ends early, with what it has, once `stop` says so.
GradientCheck check_gradient(
    const PointDensity& density, const GradientCheckOptions& options,
    const std::function<bool()>& stop = [] { return false; });

/// The same in some hundred evaluations, as a fit spends on it: up to 8 coordinates at up to two
/// points.
GradientCheck check_gradient(
    const PointDensity& density, std::uint64_t seed,
    const std::function<bool()>& stop = [] { return false; });

}  // namespace riffle
