#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include "support/random.h"
#include "targets/density.h"

namespace riffle::test {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// A density from a function of one point, which writes its gradient.
class OwnDensity final : public Density<double> {
 public:
  using Function = std::function<double(const VectorXd& z, VectorXd& gradient)>;

  OwnDensity(std::size_t dim, Function function)
      : Density<double>(dim), function_(std::move(function)) {}

 private:
  void evaluate_impl(Tile<const double> z, double* log_density,
                     Tile<double> gradient) const override {
    VectorXd at(static_cast<Index>(dim()));
    for (std::size_t s = 0; s < z.count(); ++s) {
      for (std::size_t d = 0; d < dim(); ++d) at[static_cast<Index>(d)] = z.row(d)[s];
      VectorXd slope = VectorXd::Zero(at.size());
      log_density[s] = function_(at, slope);
      for (std::size_t d = 0; d < dim(); ++d) gradient.row(d)[s] = slope[static_cast<Index>(d)];
    }
  }

  Function function_;
};

/// ln of weight times the density of N(mean, covariance), as a sum over components.
struct NormalComponent {
  double weight;
  VectorXd mean;
  MatrixXd covariance;
};

inline OwnDensity mixture_density(std::vector<NormalComponent> components) {
  const auto dim = static_cast<std::size_t>(components.front().mean.size());
  std::vector<MatrixXd> precisions;
  std::vector<double> tops;
  for (const auto& c : components) {
    precisions.push_back(c.covariance.inverse());
    tops.push_back(std::log(c.weight) -
                   0.5 * std::log((2 * std::numbers::pi * c.covariance).determinant()));
  }
  return {dim, [=](const VectorXd& z, VectorXd& gradient) {
            std::vector<double> terms;
            double most = -std::numeric_limits<double>::infinity();
            for (std::size_t k = 0; k < components.size(); ++k) {
              const VectorXd off = z - components[k].mean;
              terms.push_back(tops[k] - 0.5 * off.dot(precisions[k] * off));
              most = std::max(most, terms[k]);
            }
            double sum = 0;
            for (std::size_t k = 0; k < components.size(); ++k) {
              const double share = std::exp(terms[k] - most);
              sum += share;
              gradient -= share * (precisions[k] * (z - components[k].mean));
            }
            gradient /= sum;
            return most + std::log(sum);
          }};
}

/// Integral 1.
inline OwnDensity normal_density(VectorXd mean, MatrixXd covariance) {
  return mixture_density({{1, std::move(mean), std::move(covariance)}});
}

/// A positive definite matrix whose eigenvalues go from 1 to `condition`.
inline MatrixXd random_covariance(Index dim, double condition, std::uint64_t seed) {
  Random random(seed);
  MatrixXd rotation = MatrixXd::Identity(dim, dim);
  for (int reflection = 0; reflection < 3; ++reflection) {
    VectorXd axis(dim);
    for (double& x : axis) x = random.normal();
    axis.normalize();
    rotation -= 2 * axis * (axis.transpose() * rotation).eval();
  }
  VectorXd scale(dim);
  for (Index d = 0; d < dim; ++d) {
    scale[d] = std::pow(condition, dim == 1 ? 0 : static_cast<double>(d) / double(dim - 1));
  }
  return rotation * scale.asDiagonal() * rotation.transpose();
}

inline VectorXd random_point(Index dim, double scale, std::uint64_t seed) {
  Random random(seed);
  VectorXd z(dim);
  for (double& x : z) x = scale * random.normal();
  return z;
}

}  // namespace riffle::test
