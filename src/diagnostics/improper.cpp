#include "diagnostics/improper.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/aligned.h"

namespace riffle {
namespace {

constexpr std::size_t lines = 4;       // draws through which axes are laid
constexpr std::size_t most_axes = 64;  // of them all; the others are left unchecked
constexpr std::size_t points_per_scale = 32;

/// The highest ln p + ln distance over points spread around point ± scale along one axis.
template <class T>
double level(const Density<T>& target, const std::vector<double>& point, std::size_t axis,
             double scale) {
  TileBuffer<T> z(target.dim());
  TileBuffer<T> gradient(target.dim());
  AlignedVector<T> log_p(tile_size);
  for (std::size_t d = 0; d < target.dim(); ++d) {
    std::fill_n(z.row(d), tile_size, static_cast<T>(point[d]));
  }
  for (std::size_t s = 0; s < tile_size; ++s) {
    // Golden-ratio steps, so that no period of the target is met at one phase only.
    const double turn = 0.6180339887498949 * static_cast<double>(s % points_per_scale);
    const double distance = scale * (1 + turn - std::floor(turn));
    z.row(axis)[s] = static_cast<T>(point[axis] + distance);
  }
  target.evaluate(z.view(points_per_scale), log_p.data(), gradient.view(points_per_scale));
  double best = -std::numeric_limits<double>::infinity();
  for (std::size_t s = 0; s < points_per_scale; ++s) {
    const auto value = static_cast<double>(log_p[s]);
    if (std::isfinite(value)) best = std::max(best, value);
  }
  return best + std::log(std::abs(scale));
}

/// The largest distance of a draw from `centre` along an axis.
double spread(const Draws& draws, std::size_t axis, double centre) {
  double widest = 0;
  for (std::size_t i = 0; i < draws.log_q.size(); ++i) {
    const double off = std::abs(draws.z[i * draws.dim + axis] - centre);
    if (std::isfinite(off)) widest = std::max(widest, off);
  }
  return widest;
}

}  // namespace

template <class T>
bool looks_improper(const Density<T>& target, const Draws& draws, const Draws& start) {
  const std::size_t n = draws.log_q.size();
  for (std::size_t line = 0; line < std::min(lines, n); ++line) {
    const auto begin = draws.z.begin() + static_cast<std::ptrdiff_t>(line * draws.dim);
    const std::vector<double> point(begin, begin + static_cast<std::ptrdiff_t>(draws.dim));
    if (!std::all_of(point.begin(), point.end(), [](double x) { return std::isfinite(x); })) {
      continue;
    }
    for (std::size_t axis = 0; axis < std::min(draws.dim, most_axes); ++axis) {
      const double scale =
          std::max(spread(draws, axis, point[axis]), spread(start, axis, start.z[axis]));
      if (scale == 0) continue;
      for (const double sign : {1.0, -1.0}) {
        const double near = level(target, point, axis, sign * scale * 1e3);
        const double far = level(target, point, axis, sign * scale * 1e6);
        if (std::isfinite(far) && far >= near) return true;
      }
    }
  }
  return false;
}

template bool looks_improper(const Density<float>&, const Draws&, const Draws&);
template bool looks_improper(const Density<double>&, const Draws&, const Draws&);

}  // namespace riffle
