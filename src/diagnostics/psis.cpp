#include "riffle/diagnostics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace riffle {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::size_t least_tail = 5;

struct Pareto {
  double k = infinity;
  double sigma = 0;
};

/// Zhang & Stephens (2009): profile likelihood of θ = -k/σ on a grid (their section 3), posterior
/// mean under their prior. Here the sign of k is that of heavy tails. x ascends and is positive.
Pareto fit_pareto(std::span<const double> x) {
  const auto n = static_cast<double>(x.size());
  const std::size_t grid = 30 + static_cast<std::size_t>(std::sqrt(n));
  const double quartile = x[static_cast<std::size_t>(n / 4 + 0.5) - 1];
  const auto shape = [&](double theta) {
    double sum = 0;
    for (const double v : x) sum += std::log1p(-theta * v);
    return sum / n;
  };
  std::vector<double> theta(grid);
  std::vector<double> likelihood(grid);
  for (std::size_t j = 0; j < grid; ++j) {
    const double level = static_cast<double>(j) + 0.5;
    theta[j] = 1 / x.back() + (1 - std::sqrt(static_cast<double>(grid) / level)) / (3 * quartile);
    const double k = shape(theta[j]);
    likelihood[j] = n * (std::log(-theta[j] / k) - k - 1);
  }
  const double most = *std::ranges::max_element(likelihood);
  double total = 0;
  for (double& l : likelihood) total += l = std::exp(l - most);
  // The reference implementation drops weights that are nothing but rounding; so the same digits.
  const double negligible = 10 * std::numeric_limits<double>::epsilon() * total;
  double mean = 0;
  double kept = 0;
  for (std::size_t j = 0; j < grid; ++j) {
    if (likelihood[j] < negligible) continue;
    mean += likelihood[j] * theta[j];
    kept += likelihood[j];
  }
  mean /= kept;
  const double k = shape(mean);
  constexpr double prior_count = 10;
  constexpr double prior_k = 0.5;
  return {(n * k + prior_count * prior_k) / (n + prior_count), -k / mean};
}

/// The p-quantile.
double quantile(const Pareto& pareto, double p) {
  const double log_upper = std::log1p(-p);
  if (std::abs(pareto.k) < std::numeric_limits<double>::epsilon()) return -pareto.sigma * log_upper;
  return pareto.sigma * std::expm1(-pareto.k * log_upper) / pareto.k;
}

}  // namespace

Psis psis(std::span<const double> log_weights) {
  Psis result;
  result.khat = infinity;
  auto& weights = result.smoothed;
  weights.assign(log_weights.begin(), log_weights.end());
  for (double& w : weights) {
    if (!(w < infinity)) w = -infinity;
  }
  const std::size_t n = weights.size();
  const auto count = static_cast<double>(n);
  const auto most_tail =
      static_cast<std::size_t>(std::ceil(std::min(count / 5, 3 * std::sqrt(count))));
  if (n <= most_tail) return result;
  const double largest = *std::ranges::max_element(weights);
  if (!std::isfinite(largest)) return result;

  auto ordered = weights;
  const auto boundary = ordered.begin() + static_cast<std::ptrdiff_t>(most_tail);
  std::ranges::nth_element(ordered, boundary, std::greater());
  const double cutoff = std::max(*boundary - largest, std::log(std::numeric_limits<double>::min()));
  std::vector<std::size_t> tail;
  for (std::size_t i = 0; i < n; ++i) {
    if (weights[i] - largest > cutoff) tail.push_back(i);
  }
  result.tail = tail.size();
  if (tail.size() < least_tail) return result;
  std::ranges::stable_sort(tail, {}, [&](std::size_t i) { return weights[i]; });

  const double base = std::exp(cutoff);
  std::vector<double> excess;
  for (const auto i : tail) excess.push_back(std::exp(weights[i] - largest) - base);
  const auto pareto = fit_pareto(excess);
  if (!std::isfinite(pareto.k) || !(pareto.sigma > 0)) return result;
  result.khat = pareto.k;
  for (std::size_t j = 0; j < tail.size(); ++j) {
    const double p = (static_cast<double>(j) + 0.5) / static_cast<double>(tail.size());
    weights[tail[j]] = largest + std::min(0.0, std::log(base + quantile(pareto, p)));
  }
  return result;
}

double khat_threshold(std::size_t n) {
  return n < 2 ? 0 : std::min(1 - 1 / std::log10(static_cast<double>(n)), 0.7);
}

}  // namespace riffle
