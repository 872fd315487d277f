#include "diagnostics/integral.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "core/aligned.h"

namespace riffle {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Interval {
  double low = infinity;
  double high = -infinity;

  void hold(double x) {
    low = std::min(low, x);
    high = std::max(high, x);
  }
  double width() const { return high - low; }
  Interval widened(double factor) const {
    const double more = 0.5 * (factor - 1) * width();
    return {low - more, high + more};
  }
};

using Box = std::array<Interval, 2>;  // the second is not looked at in one dimension

struct GridSum {
  double log_total = -infinity;
  double edge_share = 0;  ///< of the total, in the outermost sixteenth
  Box mass;               ///< where p is more than e^-40 of its largest
  bool valid = true;
};

GridSum sum_over(const Density<double>& density, const Box& box, std::size_t cells) {
  const std::size_t dim = density.dim();
  const std::size_t count = dim == 1 ? cells : cells * cells;
  const auto centre = [&](std::size_t d, std::size_t i) {
    return box[d].low +
           box[d].width() * (static_cast<double>(i) + 0.5) / static_cast<double>(cells);
  };
  const auto index = [&](std::size_t k, std::size_t d) { return d == 0 ? k % cells : k / cells; };
  std::vector<double> log_p(count);
  TileBuffer<double> z(dim);
  TileBuffer<double> unused(dim);
  AlignedVector<double> values(tile_size);
  double largest = -infinity;
  for (std::size_t first = 0; first < count; first += tile_size) {
    const std::size_t n = std::min(tile_size, count - first);
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t d = 0; d < dim; ++d) z.row(d)[s] = centre(d, index(first + s, d));
    }
    density.evaluate(z.view(n), values.data(), unused.view(n));
    for (std::size_t s = 0; s < n; ++s) {
      log_p[first + s] = values[s];
      if (std::isnan(values[s]) || values[s] == infinity) return {0, 0, {}, false};
      largest = std::max(largest, values[s]);
    }
  }
  GridSum sum;
  if (largest == -infinity) return {0, 0, {}, false};
  double total = 0;
  double edge = 0;
  const std::size_t margin = cells / 16;
  for (std::size_t k = 0; k < count; ++k) {
    const double p = std::exp(log_p[k] - largest);
    total += p;
    bool outside = false;
    for (std::size_t d = 0; d < dim; ++d) {
      const auto i = index(k, d);
      outside |= i < margin || i >= cells - margin;
      if (log_p[k] > largest - 40) {
        const double half = box[d].width() / static_cast<double>(cells);
        sum.mass[d].hold(centre(d, i) - half);
        sum.mass[d].hold(centre(d, i) + half);
      }
    }
    if (outside) edge += p;
  }
  double log_cell = 0;
  for (std::size_t d = 0; d < dim; ++d) {
    log_cell += std::log(box[d].width() / static_cast<double>(cells));
  }
  sum.log_total = largest + std::log(total) + log_cell;
  sum.edge_share = edge / total;
  return sum;
}

}  // namespace

std::optional<double> log_integral(const Density<double>& density, std::span<const double> points) {
  constexpr double agreement = 1e-6;
  constexpr int most_widenings = 8;
  const std::size_t dim = density.dim();
  if (dim == 0 || dim > 2) return std::nullopt;
  Box box;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (std::isfinite(points[i])) box[i % dim].hold(points[i]);
  }
  for (std::size_t d = 0; d < dim; ++d) {
    if (!(box[d].width() > 0) || !std::isfinite(box[d].width())) return std::nullopt;
    box[d] = box[d].widened(4);
  }
  const std::size_t coarse = dim == 1 ? 4096 : 256;
  auto sum = sum_over(density, box, coarse);
  for (int k = 0; sum.valid && sum.edge_share > 1e-12; ++k) {
    if (k == most_widenings) return std::nullopt;
    for (std::size_t d = 0; d < dim; ++d) box[d] = box[d].widened(2);
    sum = sum_over(density, box, coarse);
  }
  if (!sum.valid) return std::nullopt;
  const Box mass = sum.mass;
  double last = infinity;
  for (const std::size_t cells : {coarse / 2, coarse, 2 * coarse}) {
    sum = sum_over(density, mass, cells);
    if (!sum.valid) return std::nullopt;
    if (std::abs(sum.log_total - last) <= agreement) return sum.log_total;
    last = sum.log_total;
  }
  return std::nullopt;
}

}  // namespace riffle
