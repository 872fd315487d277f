#include "posterior/point_density.h"

#include <algorithm>
#include <array>

#include "core/aligned.h"

namespace riffle {

double PointDensity::operator()(const Eigen::VectorXd& z, Eigen::VectorXd& gradient) const {
  const std::size_t dim = density_.dim();
  TileBuffer<double> at(dim);
  TileBuffer<double> slope(dim);
  alignas(64) std::array<double, tile_size> log_p{};
  // Kernels go over whole lanes: the padding holds the same point.
  for (std::size_t d = 0; d < dim; ++d) {
    std::fill_n(at.row(d), tile_size, z[static_cast<Eigen::Index>(d)]);
  }
  density_.evaluate(at.view(1), log_p.data(), slope.view(1));
  gradient.resize(z.size());
  for (std::size_t d = 0; d < dim; ++d) gradient[static_cast<Eigen::Index>(d)] = slope.row(d)[0];
  return log_p[0];
}

PointDensity::Values PointDensity::at(const Eigen::MatrixXd& points) const {
  const std::size_t dim = density_.dim();
  TileBuffer<double> z(dim);
  TileBuffer<double> slope(dim);
  alignas(64) std::array<double, tile_size> log_p{};
  Values result{Eigen::VectorXd(points.cols()), Eigen::MatrixXd(points.rows(), points.cols())};
  for (Eigen::Index first = 0; first < points.cols(); first += tile_size) {
    const auto count = std::min<Eigen::Index>(tile_size, points.cols() - first);
    for (std::size_t d = 0; d < dim; ++d) {
      const auto row = static_cast<Eigen::Index>(d);
      for (Eigen::Index s = 0; s < count; ++s) z.row(d)[s] = points(row, first + s);
      std::fill(z.row(d) + count, z.row(d) + tile_size, points(row, first));
    }
    const auto n = static_cast<std::size_t>(count);
    density_.evaluate(z.view(n), log_p.data(), slope.view(n));
    std::copy_n(log_p.begin(), count, result.log_p.begin() + first);
    for (std::size_t d = 0; d < dim; ++d) {
      for (Eigen::Index s = 0; s < count; ++s) {
        result.gradients(static_cast<Eigen::Index>(d), first + s) = slope.row(d)[s];
      }
    }
  }
  return result;
}

}  // namespace riffle
