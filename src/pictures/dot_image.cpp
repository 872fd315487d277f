#include "pictures/dot_image.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace riffle {
namespace {

using Colour = std::array<double, 3>;

constexpr Colour white = {255, 255, 255};
constexpr Colour dense = {255, 196, 107};
constexpr Colour dot = {31, 119, 180};
constexpr double opacity = 0.7;
constexpr std::size_t shades = 5;      // of the density, besides white
constexpr std::size_t coverages = 16;  // of a pixel by dots, besides none

Colour blend(const Colour& a, const Colour& b, double part) {
  Colour mixed{};
  for (std::size_t i = 0; i < mixed.size(); ++i) mixed[i] = a[i] + part * (b[i] - a[i]);
  return mixed;
}

double highest(const std::vector<double>& values) {
  double top = 0;
  for (const double v : values) {
    if (std::isfinite(v)) top = std::max(top, v);
  }
  return top;
}

using Bytes = std::array<unsigned char, 3>;

/// The colour of each shade, under dots of each coverage.
std::array<std::array<Bytes, coverages + 1>, shades + 1> palette() {
  std::array<std::array<Bytes, coverages + 1>, shades + 1> colours{};
  for (std::size_t shade = 0; shade <= shades; ++shade) {
    const auto under = blend(white, dense, static_cast<double>(shade) / shades);
    for (std::size_t covered = 0; covered <= coverages; ++covered) {
      const auto colour = blend(under, dot, static_cast<double>(covered) / coverages);
      for (std::size_t i = 0; i < colour.size(); ++i) {
        colours[shade][covered][i] = static_cast<unsigned char>(std::lround(colour[i]));
      }
    }
  }
  return colours;
}

/// The share of each pixel that no dot covers.
std::vector<double> free_shares(int side, std::span<const double> dots, double radius) {
  const auto n = static_cast<std::size_t>(side);
  std::vector<double> free(n * n, 1);
  const double reach = radius + 0.5;
  const auto first = [&](double at) { return static_cast<int>(std::max(0.0, at - reach)); };
  const auto last = [&](double at) { return static_cast<int>(std::min(side - 1.0, at + reach)); };
  for (std::size_t i = 0; i + 1 < dots.size(); i += 2) {
    const double x = dots[i] * side - 0.5;
    const double y = dots[i + 1] * side - 0.5;
    for (int v = first(y); v <= last(y); ++v) {
      for (int u = first(x); u <= last(x); ++u) {
        const double distance = std::sqrt((u - x) * (u - x) + (v - y) * (v - y));
        free[static_cast<std::size_t>(v) * n + static_cast<std::size_t>(u)] *=
            1 - opacity * std::clamp(reach - distance, 0.0, 1.0);
      }
    }
  }
  return free;
}

}  // namespace

std::vector<unsigned char> dot_image(int side, const DensityGrid* density,
                                     std::span<const double> dots, double radius) {
  const auto n = static_cast<std::size_t>(side);
  const auto free = free_shares(side, dots, radius);
  const auto colours = palette();
  const double top = density == nullptr ? 0 : highest(density->values);
  const auto shade = [&](std::size_t row, std::size_t column) -> std::size_t {
    if (!(top > 0)) return 0;
    const std::size_t cell = row * density->n / n * density->n + column * density->n / n;
    const double p = density->values[cell] / top;
    if (!(p > 0)) return 0;  // NaN, too
    return std::min(static_cast<std::size_t>(std::sqrt(std::min(p, 1.0)) * (shades + 1)), shades);
  };
  std::vector<unsigned char> pixels;
  pixels.reserve(3 * n * n);
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t column = 0; column < n; ++column) {
      const double covered = (1 - free[row * n + column]) * coverages;
      const auto& colour = colours[shade(row, column)][static_cast<std::size_t>(covered + 0.5)];
      pixels.insert(pixels.end(), colour.begin(), colour.end());
    }
  }
  return pixels;
}

}  // namespace riffle
