#pragma once

#include <cstddef>
#include <vector>

#include "core/aligned.h"
#include "support/failures.h"
#include "support/random.h"
#include "targets/target_registry.h"

namespace riffle::test {

/// Default options in a dimension that suits a thorough test, with data for a target that needs
/// some.
TargetOptions test_options(const TargetEntry& entry, InstructionSet set);
/// The same in a dimension that the target must allow; 0 is that of the data.
TargetOptions test_options(const TargetEntry& entry, std::size_t dim, InstructionSet set);

/// Points to test a target at, near and far, on the axes, at the origin and around |z_d| = 4.
std::vector<std::vector<double>> test_points(std::size_t dim, std::size_t random);

template <class T>
struct DensityValues {
  std::vector<T> log_density;
  std::vector<std::vector<T>> gradient;  ///< [point][dim]
};

/// Evaluates at all points, a tile at a time.
template <class T>
DensityValues<T> values_at(const Density<T>& density,
                           const std::vector<std::vector<double>>& points);

// The checks. Points are rounded to T first.

/// Value and gradient against dual numbers: within 1e-12 in double, 64 ε in float, and what
/// rounding of the point explains.
template <class T>
Failures check_by_duals(const Density<T>& density, const Density<Dual>& exact,
                        const std::vector<std::vector<double>>& points);
/// The gradient against central differences of fourth order of the value.
Failures check_by_differences(const Density<double>& density,
                              const std::vector<std::vector<double>>& points);
/// Huge, infinite and NaN points: no exception, and the others of their tile are as without them.
template <class T>
Failures check_extremes(const Density<T>& density);

}  // namespace riffle::test
