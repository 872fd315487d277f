#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "posterior/point_density.h"

namespace riffle {

/// A derivative that is not that of ln p.
struct GradientFault {
  std::size_t coordinate = 0;
  double at = 0;          ///< the coordinate's value
  double given = 0;       ///< the derivative that the target gives there
  double difference = 0;  ///< what differences of its ln p give
};

struct GradientCheck {
  std::optional<GradientFault> fault;  ///< the worst
  std::size_t compared = 0;            ///< derivatives of which differences tell something
  std::size_t wrong = 0;               ///< of these
  std::uint64_t evaluations = 0;
};

/// Compares the gradient with differences of ln p, along up to 8 coordinates and, where there are
/// more, one direction over all, at up to two points in (-2, 2)^D where both are finite: some
/// hundred evaluations. Only what differences of very unequal steps agree on counts, at two places
/// near each other, so that kinks, noise, rounding and edges of the support are no faults. Ends
/// early, with what it has, once `stop` says so.
GradientCheck check_gradient(
    const PointDensity& density, std::uint64_t seed,
    const std::function<bool()>& stop = [] { return false; });

}  // namespace riffle
