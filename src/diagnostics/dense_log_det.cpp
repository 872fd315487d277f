#include "diagnostics/dense_log_det.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/aligned.h"
#include "core/rows.h"

namespace riffle {

DenseLogDet eliminate(std::span<double> matrix, std::size_t dim) {
  const auto row = [&](std::size_t i) { return matrix.data() + i * dim; };
  DenseLogDet result{0, 1};
  for (std::size_t k = 0; k < dim; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < dim; ++i) {
      if (!std::isfinite(row(i)[k])) return {std::numeric_limits<double>::quiet_NaN(), 0};
      if (std::abs(row(i)[k]) > std::abs(row(pivot)[k])) pivot = i;
    }
    if (pivot != k) {
      std::swap_ranges(row(k), row(k) + dim, row(pivot));
      result.sign = -result.sign;
    }
    const double head = row(k)[k];
    if (head == 0) return {-std::numeric_limits<double>::infinity(), 0};
    result.log_abs += std::log(std::abs(head));
    if (head < 0) result.sign = -result.sign;
    for (std::size_t i = k + 1; i < dim; ++i) {
      const double factor = row(i)[k] / head;
      if (factor == 0) continue;
      for (std::size_t j = k + 1; j < dim; ++j) row(i)[j] -= factor * row(k)[j];
    }
  }
  return result;
}

std::vector<DenseLogDet> dense_log_det(const FlowModel<double>& model,
                                       std::span<const double> params,
                                       std::span<const double> points) {
  const auto& flow = model.flow();
  const std::size_t dim = model.dim();
  const auto flow_params = model.flow_part(params);
  TileBuffer<double> z(dim);
  TileBuffer<double> y(dim);
  TileBuffer<double> g(dim);
  AlignedVector<double> cache(flow.cache_size());
  AlignedVector<double> log_det(tile_size);
  const AlignedVector<double> no_cotangent(tile_size, 0.0);
  std::vector<double> grad(flow_params.size());
  std::vector<double> jacobians;
  std::vector<DenseLogDet> result;
  const std::size_t n = points.size() / dim;
  for (std::size_t first = 0; first < n; first += tile_size) {
    const auto count = std::min(tile_size, n - first);
    rows_to_tile(points.subspan(first * dim, count * dim), z.view(count));
    jacobians.assign(count * dim * dim, 0);
    for (std::size_t i = 0; i < dim; ++i) {
      flow.forward(flow_params, z.view(count), y.view(count), log_det.data(), cache.data());
      for (std::size_t d = 0; d < dim; ++d) std::fill_n(g.row(d), tile_size, 0.0);
      std::fill_n(g.row(i), count, 1.0);
      flow.vjp(flow_params, z.view(count), cache.data(), g.view(count), no_cotangent.data(), grad);
      for (std::size_t s = 0; s < count; ++s) {
        for (std::size_t d = 0; d < dim; ++d) jacobians[(s * dim + i) * dim + d] = g.row(d)[s];
      }
    }
    for (std::size_t s = 0; s < count; ++s) {
      result.push_back(eliminate(std::span(jacobians).subspan(s * dim * dim, dim * dim), dim));
    }
  }
  return result;
}

}  // namespace riffle
