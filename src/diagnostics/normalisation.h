#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "core/philox.h"

namespace riffle {

/// ln q at points, row-major [n][dim].
using LogDensityAtPoints = std::function<std::vector<double>(std::span<const double>)>;

/// ∫q over a box.
struct Quadrature {
  double integral = 0;
  double error = 0;        ///< estimated, from above as a rule
  bool cut_short = false;  ///< by lack of evaluations: then the error may be several times as large
  std::uint64_t evaluations = 0;
  std::uint64_t without_number = 0;  ///< points where q was NaN or infinite, and taken as 0
  std::vector<std::pair<double, double>> box;
};

/// ∫q in one or two dimensions, by adaptive cubature (Kronrod's rule of 7 points, with Gauss's of 3
/// inside it for the error). The coordinate along each axis is y = m + s sinh t, with median m and
/// spread s of the draws, so that points are dense where the draws are and the box reaches a
/// hundred times as far as the farthest draw, for heavy tails. Cells are first halved until none
/// holds many of the draws, then where the error is or where more draws lie, or fewer, than the
/// cell's integral explains, until the sum of errors is below `tolerance` or `most_evaluations` are
/// spent. What is too narrow for the rule is found by the draws in it; so a part of about 10/n of
/// the mass may be overlooked. `draws` are finite, row-major, and at least one.
Quadrature integrate(std::span<const double> draws, std::size_t dim,
                     const LogDensityAtPoints& log_q, double tolerance,
                     std::uint64_t most_evaluations);

/// ∫q by importance sampling.
struct ImportanceEstimate {
  double integral = 0;
  double standard_error = 0;
  double effective_draws = 0;  ///< (Σw)² / Σw²
  /// Hill's estimate of how heavy the tail of the weights is; from about 0.7 on neither the mean
  /// nor its error mean anything.
  double tail_index = 0;
  std::uint64_t without_number = 0;
  bool possible = true;  ///< false where no reference could be fitted
};

/// Mean of q/r over n draws of a reference r that is wider than q: a multivariate Student-t of 4
/// degrees of freedom with mean and covariance matrix (as its scale) of the draws.
ImportanceEstimate integrate_by_importance(std::span<const double> draws, std::size_t dim,
                                           const LogDensityAtPoints& log_q,
                                           const RandomStream& stream, std::size_t n);

}  // namespace riffle
