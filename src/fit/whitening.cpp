#include "fit/whitening.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "core/aligned.h"
#include "core/rows.h"
#include "posterior/affine_parameters.h"

namespace riffle {
namespace {

using Eigen::Index;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::size_t most_correlated = 256;  // columns; of more the matrix is large beside a net

/// Standard deviations from the median to the quantile at 1 - p of a normal.
struct Level {
  double p;
  double z;
};
constexpr Level quarter{0.25, 0.6744897501960817};
constexpr Level tenth{0.1, 1.2815515655446004};
/// For columns most of which are one value.
constexpr std::array rarer{Level{0.05, 1.6448536269514722}, Level{0.025, 1.959963984540054},
                           Level{0.01, 2.3263478740408408}, Level{0.001, 3.090232306167813}};

/// Of a column that is not empty, in any order.
Spread spread_of(std::vector<double>& column) {
  std::sort(column.begin(), column.end());
  const std::size_t n = column.size();
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(n - 1);
    const auto below = static_cast<std::size_t>(place);
    const double low = column[below];
    const double high = column[std::min(below + 1, n - 1)];
    const double part = place - static_cast<double>(below);
    return part == 0 ? low : low * (1 - part) + high * part;
  };
  // Halves, as the difference may be too large a number where neither value is.
  const auto spread = [&](Level level) {
    return (0.5 * at(1 - level.p) - 0.5 * at(level.p)) / level.z;
  };
  Spread found{at(0.5), spread(quarter)};
  // The wider one tells clusters near each other; where it is wider by far, a tenth of the rows is
  // somewhere else altogether.
  constexpr double near = 10;
  if (const double wide = spread(tenth); found.spread == 0 || wide <= near * found.spread) {
    found.spread = wide;
  }
  for (const auto level : rarer) {
    if (found.spread == 0) found.spread = spread(level);
  }
  if (found.spread == 0) {
    found.spread = (0.5 * column.back() - 0.5 * column.front()) / (2 * rarer.back().z);
  }
  return found;
}

/// Rows in units of their columns' spreads, those far off with little weight: a weight leaves what
/// is a linear relation between columns one, as clipping single cells would not.
struct Weighted {
  RowMatrix u;
  Eigen::VectorXd weight;
};

Weighted standardised(std::span<const double> rows, std::span<const Spread> spreads) {
  constexpr double far = 5;
  const auto dim = static_cast<Index>(spreads.size());
  const auto n = static_cast<Index>(rows.size()) / dim;
  Weighted all{RowMatrix(n, dim), Eigen::VectorXd(n)};
  for (Index i = 0; i < n; ++i) {
    double most = 0;
    for (Index d = 0; d < dim; ++d) {
      const auto& s = spreads[static_cast<std::size_t>(d)];
      const double u = (rows[static_cast<std::size_t>(i * dim + d)] - s.centre) / s.spread;
      all.u(i, d) = u;
      most = std::max(most, std::abs(u));
    }
    all.weight[i] = most <= far ? 1 : far / most * (far / most);
  }
  return all;
}

/// Weighted mean, which is taken from the rows, and covariance.
std::pair<Eigen::VectorXd, Eigen::MatrixXd> moments(Weighted& all) {
  const double total = all.weight.sum();
  const Eigen::VectorXd mean = all.u.transpose() * all.weight / total;
  all.u.rowwise() -= mean.transpose();
  return {mean, all.u.transpose() * all.weight.asDiagonal() * all.u / total};
}

/// The lower factor of the correlations, with rows of length 1; nothing where they are not positive
/// definite, or could well be chance: what they make the rows more likely by is to be worth their
/// number (Schwarz 1978).
std::optional<Eigen::MatrixXd> correlations(const Eigen::MatrixXd& covariance, std::size_t n) {
  const Index dim = covariance.rows();
  const Eigen::VectorXd inverse_sd = covariance.diagonal().array().rsqrt();
  const Eigen::MatrixXd r = inverse_sd.asDiagonal() * covariance * inverse_sd.asDiagonal();
  if (!r.allFinite()) return std::nullopt;
  const Eigen::LLT<Eigen::MatrixXd> llt(r);
  if (llt.info() != Eigen::Success) return std::nullopt;
  const Eigen::MatrixXd lower = llt.matrixL();
  const double gain = -lower.diagonal().array().log().sum();
  const auto pairs = static_cast<double>(dim * (dim - 1) / 2);
  const auto rows = static_cast<double>(n);
  if (!(gain > 0.5 * pairs * std::log(rows) / rows)) return std::nullopt;
  return lower;
}

}  // namespace

std::vector<Spread> spreads_of(std::span<const double> rows, std::size_t dim) {
  const std::size_t n = rows.size() / dim;
  std::vector<Spread> all;
  std::vector<double> column(n);
  for (std::size_t d = 0; d < dim; ++d) {
    for (std::size_t i = 0; i < n; ++i) column[i] = rows[i * dim + d];
    all.push_back(spread_of(column));
  }
  return all;
}

Whitening::Whitening(std::size_t dim) : dim_(dim) {}

Whitening Whitening::of(std::span<const double> rows, std::span<const Spread> spreads) {
  const std::size_t dim = spreads.size();
  const std::size_t n = rows.size() / dim;
  Whitening all(dim);
  std::optional<Eigen::MatrixXd> lower;
  if (dim > 1 && dim <= most_correlated && n > dim + 1) {
    auto weighted = standardised(rows, spreads);
    lower = correlations(moments(weighted).second, n);
  }
  if (lower) {
    const auto size = static_cast<Index>(dim);
    Normal normal{Eigen::VectorXd(size), *lower};
    for (Index d = 0; d < size; ++d) {
      const auto& s = spreads[static_cast<std::size_t>(d)];
      normal.mean[d] = s.centre;
      normal.lower.row(d) *= s.spread;
    }
    all.layers_ = "tails + affine-full";
    all.parameters_ = affine_parameters(normal);
  } else {
    all.layers_ = "tails + affine";
    for (const auto& s : spreads) all.parameters_.push_back(std::log(s.spread));
    for (const auto& s : spreads) all.parameters_.push_back(s.centre);
  }
  all.chain_ = make_flow<double>(parse_flow(all.layers_), {dim, 0, InstructionSet::scalar()});
  return all;
}

std::string Whitening::behind(const std::string& layers) const {
  return layers_.empty() ? layers : layers + " + " + layers_;
}

WhitenedPoints Whitening::enter(std::span<const double> rows) const {
  const std::size_t n = rows.size() / dim_;
  WhitenedPoints points{{rows.begin(), rows.end()}, std::vector<double>(n, 0.0)};
  if (layers_.empty()) return points;
  TileBuffer<double> out(dim_);
  TileBuffer<double> in(dim_);
  AlignedVector<double> cache(chain_->cache_size());
  for (std::size_t first = 0; first < n; first += tile_size) {
    const std::size_t count = std::min(tile_size, n - first);
    const auto values = std::span(points.values).subspan(first * dim_, count * dim_);
    alignas(64) std::array<double, tile_size> log_det{};
    rows_to_tile<double>(values, out.view(count));
    chain_->inverse(parameters_, out.view(count), in.view(count), log_det.data(), cache.data());
    tile_to_rows<double>(in.view(count), values);
    std::copy_n(log_det.begin(), count,
                points.log_det.begin() + static_cast<std::ptrdiff_t>(first));
  }
  return points;
}

std::vector<double> Whitening::leave(std::span<const double> rows) const {
  const std::size_t n = rows.size() / dim_;
  std::vector<double> values(rows.begin(), rows.end());
  if (layers_.empty()) return values;
  TileBuffer<double> in(dim_);
  TileBuffer<double> out(dim_);
  AlignedVector<double> cache(chain_->cache_size());
  for (std::size_t first = 0; first < n; first += tile_size) {
    const std::size_t count = std::min(tile_size, n - first);
    const auto part = std::span(values).subspan(first * dim_, count * dim_);
    alignas(64) std::array<double, tile_size> log_det{};
    rows_to_tile<double>(part, in.view(count));
    chain_->forward(parameters_, in.view(count), out.view(count), log_det.data(), cache.data());
    tile_to_rows<double>(out.view(count), part);
  }
  return values;
}

Remainder least_remainder(std::span<const double> rows, std::size_t dim) {
  Remainder least;
  if (dim < 2) return least;
  auto weighted = standardised(rows, spreads_of(rows, dim));
  moments(weighted);
  const auto size = static_cast<Index>(dim);
  // By reflections of the rows themselves: their covariance has half the digits.
  RowMatrix scaled = weighted.weight.array().sqrt().matrix().asDiagonal() * weighted.u;
  const Eigen::VectorXd length = scaled.colwise().norm();
  for (Index d = 0; d < size; ++d) {
    if (length[d] > 0) scaled.col(d) /= length[d];
  }
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(scaled);
  const Eigen::MatrixXd r = qr.matrixQR().topRows(size).triangularView<Eigen::Upper>();
  for (Index d = 1; d < size; ++d) {
    if (std::abs(r(d, d)) < least.share) {
      least.share = std::abs(r(d, d));
      least.column = static_cast<std::size_t>(d);
    }
  }
  const auto column = static_cast<Index>(least.column);
  if (column == 0) return least;
  const Eigen::VectorXd weights = r.topLeftCorner(column, column)
                                      .triangularView<Eigen::Upper>()
                                      .solve(r.col(column).head(column));
  constexpr std::size_t most_named = 4;
  for (Index d = 0; d < column && least.of.size() < most_named; ++d) {
    if (std::abs(weights[d]) > 1e-3) least.of.push_back(static_cast<std::size_t>(d));
  }
  return least;
}

}  // namespace riffle
