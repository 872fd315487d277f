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
  /// What is at the columns of `points`, by whole tiles, since most densities are quicker so.
  struct Values {
    Eigen::VectorXd log_p;
    Eigen::MatrixXd gradients;  ///< as columns
  };
  Values at(const Eigen::MatrixXd& points) const;

 private:
  const Density<double>& density_;
};

}  // namespace riffle
