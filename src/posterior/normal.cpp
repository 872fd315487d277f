#include "posterior/normal.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "bases/base.h"
#include "core/aligned.h"

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

Eigen::MatrixXd standard_normals(Eigen::Index dim, const RandomStream& stream, std::uint64_t first,
                                 Eigen::Index n, InstructionSet set) {
  const auto rows = static_cast<std::size_t>(dim);
  const auto base = make_base<double>("standard-normal", rows, set);
  TileBuffer<double> tile(rows);
  Eigen::MatrixXd result(dim, n);
  const std::uint64_t end = first + static_cast<std::uint64_t>(n);
  for (auto begin = first - first % tile_size; begin < end; begin += tile_size) {
    base->sample({}, stream, begin, tile.view(), nullptr);
    for (auto s = std::max(begin, first); s < std::min(begin + tile_size, end); ++s) {
      for (std::size_t d = 0; d < rows; ++d) {
        result(static_cast<Eigen::Index>(d), static_cast<Eigen::Index>(s - first)) =
            tile.row(d)[s - begin];
      }
    }
  }
  return result;
}

}  // namespace riffle
