#include "diagnostics/convergence.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "diagnostics/autocovariance.h"
#include "diagnostics/quantile_functions.h"

namespace riffle {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t least_for_r_hat = 4;
constexpr std::size_t least_for_ess = 10;

bool all_the_same(std::span<const double> x) {
  return std::ranges::all_of(x, [&](double v) { return v == x.front(); });
}

std::vector<double> sorted(std::span<const double> x) {
  std::vector<double> ordered(x.begin(), x.end());
  std::ranges::sort(ordered);
  return ordered;
}

/// The p-quantile of values in order, type 7.
double quantile_of(std::span<const double> ordered, double p) {
  const double last = static_cast<double>(ordered.size() - 1);
  double position = p * last;
  // A quantile that is a draw is that draw, whatever rounding says of p: x ≤ q would miss it.
  const double whole = std::round(position);
  if (std::abs(position - whole) <= 4 * std::numeric_limits<double>::epsilon() * last) {
    position = whole;
  }
  const auto below = static_cast<std::size_t>(position);
  if (below + 1 >= ordered.size()) return ordered.back();
  return std::lerp(ordered[below], ordered[below + 1], position - static_cast<double>(below));
}

/// Halves of chains, [2 chains][draws/2]; the draw in the middle is left out.
struct Halves {
  std::vector<double> values;
  std::size_t length = 0;

  std::size_t count() const { return values.size() / length; }
};

Halves halves_of(std::span<const double> draws, std::size_t chains) {
  const std::size_t draws_each = draws.size() / chains;
  Halves halves;
  halves.length = draws_each / 2;
  halves.values.reserve(2 * chains * halves.length);
  for (std::size_t c = 0; c < chains; ++c) {
    const auto chain = draws.subspan(c * draws_each, draws_each);
    for (const auto half : {chain.first(halves.length), chain.last(halves.length)}) {
      halves.values.insert(halves.values.end(), half.begin(), half.end());
    }
  }
  return halves;
}

/// x → Φ⁻¹((r - 3/8)/(S + 1/4)), equation (14).
void to_normal_scores(std::span<double> x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return x[i]; });
  const auto count = static_cast<double>(x.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first + 1;
    while (end < order.size() && x[order[end]] == x[order[first]]) ++end;
    const double rank = 0.5 * static_cast<double>(first + 1 + end);  // the first has rank 1
    const double score = normal_quantile((rank - 0.375) / (count + 0.25));
    for (std::size_t i = first; i < end; ++i) x[order[i]] = score;
    first = end;
  }
}

/// x → (x - mean)/2^e, at most 1, so that its squares are numbers and no digit is lost. Returns e.
int centre(std::span<double> x) {
  double largest = 0;
  for (const double v : x) largest = std::max(largest, std::abs(v));
  const int exponent = largest > 0 ? std::ilogb(largest) + 1 : 0;
  for (double& v : x) v = std::scalbn(v, -exponent);
  // Twice: far from zero the first mean has digits of the draws alone, not of what they differ by.
  for (int pass = 0; pass < 2; ++pass) {
    double mean = 0;
    for (const double v : x) mean += v;
    mean /= static_cast<double>(x.size());
    for (double& v : x) v -= mean;
  }
  largest = 0;
  for (const double v : x) largest = std::max(largest, std::abs(v));
  const int second = largest > 0 ? std::ilogb(largest) + 1 : 0;
  for (double& v : x) v = std::scalbn(v, -second);
  return exponent + second;
}

struct Moments {
  double within = 0;        ///< mean variance of the chains, divided by n - 1
  double between_mean = 0;  ///< variance of their means
};

Moments moments_of(const Halves& halves) {
  const auto n = static_cast<double>(halves.length);
  const auto m = static_cast<double>(halves.count());
  Moments moments;
  std::vector<double> means;
  for (std::size_t c = 0; c < halves.count(); ++c) {
    const auto chain = std::span(halves.values).subspan(c * halves.length, halves.length);
    const double mean = std::accumulate(chain.begin(), chain.end(), 0.0) / n;
    double squares = 0;
    for (const double x : chain) squares += (x - mean) * (x - mean);
    moments.within += squares / (n - 1) / m;
    means.push_back(mean);
  }
  const double mean = std::accumulate(means.begin(), means.end(), 0.0) / m;
  for (const double x : means) moments.between_mean += (x - mean) * (x - mean) / (m - 1);
  return moments;
}

/// Equations (3) and (4).
double r_hat_of(const Halves& halves) {
  const auto n = static_cast<double>(halves.length);
  const auto moments = moments_of(halves);
  return std::sqrt(moments.between_mean / moments.within + (n - 1) / n);
}

/// S/τ̂, equations (10) to (13). The halves need not be centred, but their squares must be numbers.
double ess_of(const Halves& halves, const Autocovariance& autocovariance) {
  if (all_the_same(halves.values)) return nan;
  const std::size_t length = halves.length;
  const auto n = static_cast<double>(length);
  const auto gamma = autocovariance.mean_over(halves.values);
  const double within = gamma[0] * n / (n - 1);
  const double variance = gamma[0] + moments_of(halves).between_mean;
  const auto correlation = [&](std::size_t lag) { return 1 - (within - gamma[lag]) / variance; };

  // Pairs of lags (0, 1), (2, 3) ... while their sums are positive, each no more than the one
  // before. Of the pair that ends it the first counts alone, once, if it is positive.
  double tau = -1;
  double least = infinity;
  double pair_first = 1;
  double pair = 1 + correlation(1);
  std::size_t lag = 0;
  while (lag + 4 < length && pair > 0) {
    least = std::min(least, pair);
    tau += 2 * least;
    lag += 2;
    pair_first = correlation(lag);
    pair = pair_first + correlation(lag + 1);
  }
  tau += std::max(pair_first, 0.0);
  const auto count = static_cast<double>(halves.values.size());
  return count / std::max(tau, 1 / std::log10(count));
}

bool all_finite(std::span<const double> x) {
  return std::ranges::all_of(x, [](double v) { return std::isfinite(v); });
}

std::size_t draws_each(std::span<const double> draws, std::size_t chains) {
  assert(chains == 0 ? draws.empty() : draws.size() % chains == 0);
  return chains == 0 ? 0 : draws.size() / chains;
}

bool has_ess(std::span<const double> draws, std::size_t chains) {
  return draws_each(draws, chains) >= least_for_ess && all_finite(draws) && !all_the_same(draws);
}

/// Of x ≤ limit.
double ess_below(std::span<const double> draws, std::size_t chains, double limit,
                 const Autocovariance& autocovariance) {
  auto halves = halves_of(draws, chains);
  for (double& x : halves.values) x = x <= limit ? 1 : 0;
  return ess_of(halves, autocovariance);
}

double sd_of(std::span<const double> centred) {
  double squares = 0;
  for (const double x : centred) squares += x * x;
  return std::sqrt(squares / (static_cast<double>(centred.size()) - 1));
}

}  // namespace

Convergence convergence(std::span<const double> draws, std::size_t chains) {
  Convergence result{nan, nan, nan, nan, nan, nan, nan, nan, nan};
  const std::size_t each = draws_each(draws, chains);
  if (each == 0 || !all_finite(draws)) return result;
  if (all_the_same(draws)) {
    result.mean = draws.front();
    if (draws.size() > 1) result.sd = 0;
    return result;
  }
  const auto count = static_cast<double>(draws.size());
  std::vector<double> centred(draws.begin(), draws.end());
  const int unit = centre(centred);
  result.mean = 0;
  for (const double x : draws) result.mean += x / count;
  result.sd = std::scalbn(sd_of(centred), unit);
  if (each < least_for_r_hat) return result;

  auto scores = halves_of(draws, chains);
  to_normal_scores(scores.values);
  const auto ordered = sorted(draws);
  const double median =
      std::midpoint(ordered[(ordered.size() - 1) / 2], ordered[ordered.size() / 2]);
  auto folded = halves_of(draws, chains);
  for (double& x : folded.values) x = std::abs(x / 2 - median / 2);  // x - median may overflow
  to_normal_scores(folded.values);
  result.r_hat = r_hat_of(scores);
  // NaN where all are as far from the median, as of a coin: then there is no scale to compare.
  result.r_hat = std::fmax(result.r_hat, r_hat_of(folded));
  if (each < least_for_ess) return result;

  const Autocovariance autocovariance(each / 2);
  result.ess_bulk = ess_of(scores, autocovariance);
  const double low = ess_below(draws, chains, quantile_of(ordered, 0.05), autocovariance);
  const double high = ess_below(draws, chains, quantile_of(ordered, 0.95), autocovariance);
  result.ess_tail = std::fmin(low, high);
  result.ess_mean = ess_of(halves_of(centred, chains), autocovariance);
  result.mcse_mean = result.sd / std::sqrt(result.ess_mean);
  double second = 0;
  double fourth = 0;
  for (double& x : centred) {
    x *= x;
    second += x / count;
    fourth += x * x / count;
  }
  result.ess_sd = ess_of(halves_of(centred, chains), autocovariance);
  result.mcse_sd =
      std::scalbn(std::sqrt((fourth - second * second) / result.ess_sd / second / 4), unit);
  return result;
}

double ess_mean(std::span<const double> draws, std::size_t chains) {
  if (!has_ess(draws, chains)) return nan;
  std::vector<double> centred(draws.begin(), draws.end());
  centre(centred);
  return ess_of(halves_of(centred, chains), Autocovariance(draws_each(draws, chains) / 2));
}

double mcse_mean(std::span<const double> draws, std::size_t chains) {
  if (!has_ess(draws, chains)) return nan;
  std::vector<double> centred(draws.begin(), draws.end());
  const int unit = centre(centred);
  const double ess =
      ess_of(halves_of(centred, chains), Autocovariance(draws_each(draws, chains) / 2));
  return std::scalbn(sd_of(centred) / std::sqrt(ess), unit);
}

double ess_quantile(std::span<const double> draws, std::size_t chains, double p) {
  assert(p >= 0 && p <= 1);
  if (!has_ess(draws, chains)) return nan;
  return ess_below(draws, chains, quantile_of(sorted(draws), p),
                   Autocovariance(draws_each(draws, chains) / 2));
}

double mcse_quantile(std::span<const double> draws, std::size_t chains, double p) {
  const double ess = ess_quantile(draws, chains, p);
  if (std::isnan(ess)) return nan;
  const auto ordered = sorted(draws);
  const auto count = static_cast<double>(ordered.size());
  const double a = ess * p + 1;
  const double b = ess * (1 - p) + 1;
  const double one_sd = 0.5 * std::erfc(std::sqrt(0.5));  // Φ(-1)
  const double low = std::floor(beta_quantile(one_sd, a, b) * count - 1);
  const double high = std::ceil(beta_quantile(1 - one_sd, a, b) * count - 1);
  return (ordered[static_cast<std::size_t>(std::min(high, count - 1))] -
          ordered[static_cast<std::size_t>(std::max(low, 0.0))]) /
         2;
}

}  // namespace riffle
