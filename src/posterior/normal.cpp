#include "posterior/normal.h"

#include <Eigen/Cholesky>
#include <cmath>
#include <numbers>

namespace riffle {

double Normal::half_log_volume() const {
  return lower.diagonal().array().log().sum() +
         0.5 * static_cast<double>(mean.size()) * std::log(2 * std::numbers::pi);
}

double Normal::distance(const Eigen::VectorXd& z) const {
  return lower.triangularView<Eigen::Lower>().solve(z - mean).norm();
}

std::optional<Normal> make_normal(const Eigen::VectorXd& mean, const Eigen::MatrixXd& covariance) {
  if (!mean.allFinite() || !covariance.allFinite()) return std::nullopt;
  const Eigen::LLT<Eigen::MatrixXd> factor(covariance);
  if (factor.info() != Eigen::Success) return std::nullopt;
  Normal normal{mean, factor.matrixL()};
  if (!(normal.lower.diagonal().minCoeff() > 0)) return std::nullopt;
  return normal;
}

MeanAndCovariance moments_of(std::span<const Normal> normals) {
  const auto dim = normals.front().mean.size();
  const double part = 1 / static_cast<double>(normals.size());
  MeanAndCovariance all{Eigen::VectorXd::Zero(dim), Eigen::MatrixXd::Zero(dim, dim)};
  for (const auto& normal : normals) all.mean += part * normal.mean;
  for (const auto& normal : normals) {
    const Eigen::VectorXd off = normal.mean - all.mean;
    all.covariance += part * (normal.lower * normal.lower.transpose() + off * off.transpose());
  }
  return all;
}

}  // namespace riffle
