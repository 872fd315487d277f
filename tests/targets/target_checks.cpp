#include "targets/target_checks.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace riffle::test {
namespace {

template <class T>
constexpr double eps = std::numeric_limits<T>::epsilon();

template <class T>
constexpr double wanted = std::is_same_v<T, float> ? 64 * eps<float> : 1e-12;

std::string point_of(const std::vector<double>& z) {
  std::string text = "(";
  for (const double x : z) text += fmt::format("{:.8g} ", x);
  return text + ")";
}

/// Eleven rows of three features, one of them constant, and labels 1 and 2.
NumberTable regression() {
  NumberTable table{4, {}};
  Random random(34);
  for (int row = 0; row < 11; ++row) {
    const double x = random.normal();
    table.values.insert(table.values.end(),
                        {x, 3 + 2 * random.normal(), 1.5, x + random.normal() < 0.2 ? 1.0 : 2.0});
  }
  return table;
}

}  // namespace

TargetOptions test_options(const TargetEntry& entry, std::size_t dim, InstructionSet set) {
  auto options = default_options(entry, set);
  options.dim = dim;
  if (entry.needs_data()) {
    options.data = regression();
    options.dim = entry.dim_of_data(options);
  }
  return options;
}

TargetOptions test_options(const TargetEntry& entry, InstructionSet set) {
  constexpr std::size_t largest = 10;
  return test_options(entry, std::min(entry.default_dim, largest), set);
}

std::vector<std::vector<double>> test_points(std::size_t dim, std::size_t random_points) {
  std::vector<std::vector<double>> points;
  Random random(31 + dim);
  constexpr double scales[] = {0.3, 1, 2, 3, 4, 5, 8, 1e-3, 30, 1e-8};
  for (std::size_t k = 0; k < random_points; ++k) {
    std::vector<double> z(dim);
    for (double& x : z) x = scales[k % std::size(scales)] * random.normal();
    points.push_back(std::move(z));
  }
  points.emplace_back(dim, 0.0);
  for (std::size_t d = 0; d < std::min<std::size_t>(dim, 3); ++d) {
    for (const double x : {-500.0, -20.0, -4.001, -3.999, -2.0, -1.0, -1e-6, 1e-6, 1.0, 2.0, 3.999,
                           4.001, 20.0, 500.0}) {
      std::vector<double> z(dim, 0.0);
      z[d] = x;
      points.push_back(std::move(z));
    }
  }
  return points;
}

template <class T>
DensityValues<T> values_at(const Density<T>& density,
                           const std::vector<std::vector<double>>& points) {
  DensityValues<T> all;
  TileBuffer<T> z(density.dim());
  TileBuffer<T> gradient(density.dim());
  AlignedVector<T> log_density(tile_size, T(0));
  for (std::size_t first = 0; first < points.size(); first += tile_size) {
    const std::size_t n = std::min(tile_size, points.size() - first);
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t d = 0; d < density.dim(); ++d) {
        z.row(d)[s] = static_cast<T>(points[first + s][d]);
      }
    }
    density.evaluate(z.view(n), log_density.data(), gradient.view(n));
    for (std::size_t s = 0; s < n; ++s) {
      all.log_density.push_back(log_density[s]);
      std::vector<T> slope(density.dim());
      for (std::size_t d = 0; d < density.dim(); ++d) slope[d] = gradient.row(d)[s];
      all.gradient.push_back(std::move(slope));
    }
  }
  return all;
}

template <class T>
Failures check_by_duals(const Density<T>& density, const Density<Dual>& exact,
                        const std::vector<std::vector<double>>& unrounded) {
  Failures failures;
  const std::size_t dim = density.dim();
  auto points = unrounded;
  for (auto& z : points) {
    for (double& x : z) x = static_cast<double>(static_cast<T>(x));
  }
  const auto got = values_at(density, points);
  // What rounding of a coordinate, and of sums with numbers around 1 and 4, may change.
  std::vector<DensityValues<T>> others;
  Random noise(32);
  for (int k = 0; k < 6; ++k) {
    auto moved = points;
    for (auto& z : moved) {
      for (double& x : z) x += 4 * eps<T> * noise.uniform(-1, 1) * (1 + std::abs(x));
    }
    others.push_back(values_at(density, moved));
  }

  std::vector<double> value(points.size());
  std::vector<std::vector<double>> slope(points.size(), std::vector<double>(dim));
  TileBuffer<Dual> z(dim);
  TileBuffer<Dual> unused(dim);
  AlignedVector<Dual> log_density(tile_size);
  for (std::size_t first = 0; first < points.size(); first += tile_size) {
    const std::size_t n = std::min(tile_size, points.size() - first);
    for (std::size_t i = 0; i < dim; ++i) {
      for (std::size_t s = 0; s < n; ++s) {
        for (std::size_t d = 0; d < dim; ++d) {
          z.row(d)[s] = Dual(points[first + s][d], d == i ? 1 : 0);
        }
      }
      exact.evaluate(z.view(n), log_density.data(), unused.view(n));
      for (std::size_t s = 0; s < n; ++s) {
        value[first + s] = log_density[s].value;
        slope[first + s][i] = log_density[s].tangent;
      }
    }
  }

  for (std::size_t p = 0; p < points.size(); ++p) {
    double largest = 1;
    for (const double x : slope[p]) largest = std::max(largest, std::abs(x));
    const auto compare = [&](double expected, double scale, auto&& pick, const std::string& what) {
      const auto own = static_cast<double>(pick(got));
      double rounding = 0;
      for (const auto& other : others) {
        rounding = std::max(rounding, std::abs(static_cast<double>(pick(other)) - own));
      }
      // Where a value is out of the precision's range, both must say so; where it has no
      // derivative, as at the tip of a cone, the dual number is NaN.
      if (!std::isfinite(static_cast<T>(expected)) || !std::isfinite(rounding)) return;
      const double allowed = wanted<T> * scale + 8 * rounding;
      if (!(std::abs(own - expected) <= allowed)) {
        failures.push_back(fmt::format("{} at {} is {:.17g} instead of {:.17g}, allowed {:.2g}",
                                       what, point_of(points[p]), own, expected, allowed));
      }
    };
    compare(
        value[p], 1 + std::abs(value[p]), [&](const auto& v) { return v.log_density[p]; }, "ln p");
    for (std::size_t d = 0; d < dim; ++d) {
      compare(
          slope[p][d], largest, [&](const auto& v) { return v.gradient[p][d]; },
          fmt::format("gradient[{}]", d));
    }
  }
  return failures;
}

Failures check_by_differences(const Density<double>& density,
                              const std::vector<std::vector<double>>& points) {
  Failures failures;
  const std::size_t dim = density.dim();
  const auto got = values_at(density, points);
  constexpr int steps = 8;
  std::size_t unresolved = 0;
  for (std::size_t d = 0; d < dim; ++d) {
    const auto at = [&](double factor, int k) {
      auto moved = points;
      for (auto& z : moved) z[d] += factor * 0.05 * std::pow(0.25, k);
      return values_at(density, moved).log_density;
    };
    std::vector<std::vector<double>> slopes;
    std::vector<std::vector<double>> sizes;  // of the values that a slope is made from
    for (int k = 0; k < steps; ++k) {
      const double h = 0.05 * std::pow(0.25, k);
      const auto a = at(1, k);
      const auto b = at(-1, k);
      const auto aa = at(2, k);
      const auto bb = at(-2, k);
      std::vector<double> slope(points.size());
      std::vector<double> size(points.size());
      for (std::size_t p = 0; p < points.size(); ++p) {
        slope[p] = (8 * (a[p] - b[p]) - (aa[p] - bb[p])) / (12 * h);
        size[p] = std::max({std::abs(a[p]), std::abs(b[p]), std::abs(aa[p]), std::abs(bb[p])});
      }
      slopes.push_back(std::move(slope));
      sizes.push_back(std::move(size));
    }
    for (std::size_t p = 0; p < points.size(); ++p) {
      // Next to the origin, where a cone may have its tip, a step would jump over it. The dual
      // numbers look there.
      double reach = 0;
      for (const double x : points[p]) reach = std::max(reach, std::abs(x));
      if (0 < reach && reach < 1e-3) continue;
      double best = 0;
      double error = std::numeric_limits<double>::infinity();
      for (int k = 1; k < steps; ++k) {
        const auto row = static_cast<std::size_t>(k);
        // Rounding of the values and of the moved coordinate.
        const double rounding = 16 * eps<double> *
                                (1 + std::max(std::abs(got.log_density[p]), sizes[row][p]) +
                                 std::abs(got.gradient[p][d] * points[p][d])) /
                                (0.05 * std::pow(0.25, k));
        const double here = std::abs(slopes[row][p] - slopes[row - 1][p]) + rounding;
        if (here < error) {
          error = here;
          best = slopes[row][p];
        }
      }
      const double own = got.gradient[p][d];
      if (!(error <= 1e-5 * (1 + std::abs(best)))) ++unresolved;
      const double allowed = 1e-8 * (std::abs(best) + std::abs(own)) + 4 * error;
      if (!(std::abs(own - best) <= allowed)) {
        failures.push_back(
            fmt::format("gradient[{}] at {} is {:.12g}, by differences {:.12g}, "
                        "allowed {:.2g}",
                        d, point_of(points[p]), own, best, allowed));
      }
    }
  }
  if (4 * unresolved > dim * points.size()) {
    failures.push_back(fmt::format("the differences tell nothing: {} of {} did not settle",
                                   unresolved, dim * points.size()));
  }
  return failures;
}

template <class T>
Failures check_extremes(const Density<T>& density) {
  Failures failures;
  const std::size_t dim = density.dim();
  Random random(33);
  std::vector<std::vector<double>> points(37, std::vector<double>(dim));
  for (auto& z : points) {
    for (double& x : z) x = 2 * random.normal();
  }
  const auto calm = values_at(density, points);
  const double inf = std::numeric_limits<double>::infinity();
  for (const double extreme :
       {1e30, -1e30, 1e-30, static_cast<double>(std::numeric_limits<T>::max()), inf, -inf,
        std::numeric_limits<double>::quiet_NaN()}) {
    for (std::size_t bad = 0; bad < points.size(); bad += 4) {
      auto at = points;
      at[bad][bad % dim] = extreme;
      const auto out = values_at(density, at);
      for (std::size_t p = 0; p < points.size(); ++p) {
        if (p == bad) continue;
        // A function that takes another way for special lanes may round the others differently.
        bool same = std::abs(out.log_density[p] - calm.log_density[p]) <=
                    T(16 * eps<T>) * (T(1) + std::abs(calm.log_density[p]));
        for (std::size_t d = 0; d < dim; ++d) same &= out.gradient[p][d] == calm.gradient[p][d];
        if (!same)
          failures.push_back(fmt::format("{} in point {} changed point {}", extreme, bad, p));
      }
      bool finite = std::isfinite(out.log_density[bad]);
      for (std::size_t d = 0; d < dim; ++d) finite &= std::isfinite(out.gradient[bad][d]);
      if (!std::isfinite(extreme) && finite) {
        failures.push_back(fmt::format("{} in point {} gave finite numbers", extreme, bad));
      }
    }
  }
  return failures;
}

#define RIFFLE_INSTANTIATE(T)                                                                      \
  template DensityValues<T> values_at(const Density<T>&, const std::vector<std::vector<double>>&); \
  template Failures check_by_duals(const Density<T>&, const Density<Dual>&,                        \
                                   const std::vector<std::vector<double>>&);                       \
  template Failures check_extremes(const Density<T>&);

RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)

}  // namespace riffle::test
