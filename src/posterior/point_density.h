#pragma once

#include <Eigen/Core>
#include <cstddef>

#include "targets/density.h"

namespace riffle {

/// ln p and its gradient at single points, for what goes from point to point: searches of modes and
/// finite differences. Safe to share between threads.
class PointDensity {
 public:
  explicit PointDensity(const Density<double>& density) : density_(density) {}

  Eigen::Index dim() const { return static_cast<Eigen::Index>(density_.dim()); }
  /// ln p(z), with its gradient overwritten; -infinity or NaN where it cannot be computed.
  double operator()(const Eigen::VectorXd& z, Eigen::VectorXd& gradient) const;
  /// Gradients at the columns of `points`, as columns; all at once for densities that are quicker
  /// so.
  Eigen::MatrixXd gradients(const Eigen::MatrixXd& points) const;

 private:
  const Density<double>& density_;
};

}  // namespace riffle
