#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "posterior/point_density.h"

namespace riffle {

/// One accepted point of an ascent.
struct AscentPoint {
  Eigen::VectorXd z;
  double log_p = 0;
  Eigen::VectorXd gradient;
};

struct AscentOptions {
  std::size_t most_points = 500;
  std::uint64_t most_evaluations = std::numeric_limits<std::uint64_t>::max();
  /// Pairs of steps and changes of the gradient that are kept; with as many as there are
  /// dimensions it is BFGS itself, which badly scaled densities need.
  std::size_t history = 100;
  /// Ends once the gain that a quadratic model promises, ½ gᵀ H⁻¹ g, falls below this, in nats.
  double gain = 1e-8;
  /// Ends it as it is; may be empty.
  std::function<bool()> abandon{};
};

struct Ascent {
  std::vector<AscentPoint> path;  ///< from the start on; empty where ln p is not finite there
  double start_log_p = 0;         ///< whatever it is
  bool converged = false;
  std::uint64_t evaluations = 0;  ///< that it took
};

/// Climbs ln p by L-BFGS (Liu & Nocedal 1989; the two-loop recursion is algorithm 7.4 of Nocedal &
/// Wright 2006). A step that leaves the support is halved. Pairs without positive curvature are
/// left out, which keeps the metric positive definite where ln p is not concave.
Ascent climb(const PointDensity& density, const Eigen::VectorXd& start,
             const AscentOptions& options = {});

/// The inverse Hessian of -ln p at path[k] as BFGS estimates it from the steps up to there
/// (Nocedal & Wright 2006, equation 6.17): what Pathfinder (Zhang, Carpenter, Gelman & Vehtari
/// 2022) takes for a covariance.
Eigen::MatrixXd inverse_hessian_estimate(const Ascent& ascent, std::size_t k);

}  // namespace riffle
