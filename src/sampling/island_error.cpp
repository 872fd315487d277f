#include "sampling/island_error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace riffle {
namespace {

/// 0.975 quantile of Student's t: Cornish & Fisher's expansion to the third order in 1/ν, within
/// 0.5 % for ν >= 3 (Abramowitz & Stegun 26.7.5).
double t_quantile(double nu) {
  constexpr double x = 1.959963984540054;
  constexpr double x2 = x * x;
  const double g1 = (x2 + 1) * x / 4;
  const double g2 = ((5 * x2 + 16) * x2 + 3) * x / 96;
  const double g3 = (((3 * x2 + 19) * x2 + 17) * x2 - 15) * x / 384;
  return x + g1 / nu + g2 / (nu * nu) + g3 / (nu * nu * nu);
}

}  // namespace

double log_mean_exp(std::span<const double> logarithms) {
  double most = -std::numeric_limits<double>::infinity();
  for (const double x : logarithms) most = std::max(most, x);
  if (!(most > -std::numeric_limits<double>::infinity())) return most;
  double sum = 0;
  for (const double x : logarithms) sum += std::exp(x - most);
  return most + std::log(sum / static_cast<double>(logarithms.size()));
}

double island_error(std::span<const double> log_weights, std::size_t islands) {
  constexpr std::size_t fewest = 4;
  const std::size_t size = log_weights.size() / islands;
  std::vector<double> log_z(islands);
  std::size_t alive = 0;
  for (std::size_t k = 0; k < islands; ++k) {
    log_z[k] = log_mean_exp(log_weights.subspan(k * size, size));
    if (std::isfinite(log_z[k])) ++alive;
  }
  if (alive < fewest) return std::numeric_limits<double>::quiet_NaN();
  const double most = *std::max_element(log_z.begin(), log_z.end());
  const auto n = static_cast<double>(islands);
  std::vector<double> without(islands);
  double mean = 0;
  for (std::size_t k = 0; k < islands; ++k) {
    // Added up anew: a difference would be lost in rounding where one island has all the weight.
    double rest = 0;
    for (std::size_t j = 0; j < islands; ++j) rest += j == k ? 0 : std::exp(log_z[j] - most);
    without[k] = std::log(rest);
    mean += without[k] / n;
  }
  double squares = 0;
  for (const double x : without) squares += (x - mean) * (x - mean);
  return std::sqrt((n - 1) / n * squares) * t_quantile(n - 1) / t_quantile(1e9);
}

}  // namespace riffle
