#include "diagnostics/importance.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <iterator>
#include <limits>

#include "riffle/diagnostics.h"

namespace riffle {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Whether a weight is a number above zero.
bool is_positive(double log_weight) {
  return std::isfinite(log_weight);
}

/// Sums of weights over the largest of them.
struct Sums {
  double largest = -infinity;  ///< ln
  double sum = 0;
  double squares = 0;
  double n = 0;

  explicit Sums(std::span<const double> log_weights)
      : largest(largest_finite(log_weights)), n(static_cast<double>(log_weights.size())) {
    for (const double w : log_weights) {
      if (!is_positive(w)) continue;
      const double relative = std::exp(w - largest);
      sum += relative;
      squares += relative * relative;
    }
  }
  double log_z() const { return largest + std::log(sum / n); }
  double ess() const { return sum * sum / squares; }
  /// Variance of ln of the mean weight: (n Σw²/(Σw)² - 1)/(n - 1), which is var(w)/(n mean(w)²).
  double log_z_variance() const { return std::max(0.0, n / ess() - 1) / (n - 1); }
};

/// The distance from |x| to the next number.
double last_digit(double x) {
  return std::nextafter(std::abs(x), infinity) - std::abs(x);
}

double half_gap(std::span<const double> log_weights, double rounding) {
  const std::size_t half = log_weights.size() / 2;
  const Sums first(log_weights.first(half));
  const Sums second(log_weights.subspan(half));
  const double gap = first.log_z() - second.log_z();
  const double error = std::sqrt(first.log_z_variance() + second.log_z_variance());
  // ln p and ln q are sums themselves, whose last digits are seldom right, and so are those here.
  constexpr double digits = 4;
  const double n = first.n + second.n;
  const double floor =
      digits * (rounding + last_digit(first.log_z())) + n * std::numeric_limits<double>::epsilon();
  return gap == 0 ? 0 : gap / std::hypot(error, floor);
}

/// The bound by some of n draws, of which these are the logarithms of their weights.
struct Bound {
  double value = -infinity;
  double error = 0;
  double count = 0;

  Bound(std::span<const double> log_weights, double least, double n) {
    double mean = 0;
    double squares = 0;
    for (const double w : log_weights) {
      if (!is_positive(w) || w < least) continue;
      ++count;
      const double delta = w - mean;
      mean += delta / count;
      squares += delta * (w - mean);
    }
    value = mean + std::log(count / n);
    // The share that stays is itself known to a part of sqrt((1 - share)/count).
    error = std::sqrt(squares / (count - 1) / count + (1 / count - 1 / n));
  }
};

/// Below this ln w, p is all but zero beside what the best of the draws say.
double least_that_counts(std::span<const double> log_weights) {
  std::vector<double> positive;
  std::ranges::copy_if(log_weights, std::back_inserter(positive), is_positive);
  const auto quantile = [&](double p) {
    const auto at = positive.begin() +
                    static_cast<std::ptrdiff_t>(p * static_cast<double>(positive.size() - 1));
    std::ranges::nth_element(positive, at);
    return *at;
  };
  const double high = quantile(0.9);
  return high - std::max(10.0, 10 * (quantile(0.98) - high));
}

/// What weights beyond the largest may hold of Z. Of Pareto weights that are 20,000 draws two
/// errors cover 82 % at k = 0.65 without it and 94 % with it, 57 % and 92 % at 0.8.
double tail_error(double khat, double largest_share) {
  constexpr double no_variance = 0.5;
  constexpr double nearly_no_mean = 0.9;
  if (!(khat > no_variance) || !std::isfinite(khat)) return 0;
  return largest_share / (1 - std::min(khat, nearly_no_mean));
}

}  // namespace

Importance importance(std::span<const double> log_weights, double rounding) {
  Importance result;
  result.draws = log_weights.size();
  result.rounding = rounding;
  for (const double w : log_weights) {
    if (w == -infinity) {
      ++result.zero;
    } else if (!is_positive(w)) {
      ++result.invalid;
    }
  }
  if (result.zero + result.invalid == result.draws) {
    result.collapsed = true;
    result.log_z = result.log_z_se = result.elbo = result.elbo_se = nan;
    result.trimmed_elbo = result.trimmed_elbo_se = result.outside = nan;
    result.ess = result.ess_fraction = result.largest_share = result.half_gap = nan;
    return result;
  }
  const Sums sums(log_weights);
  result.log_z = sums.log_z();
  result.log_z_se = std::hypot(std::sqrt(sums.log_z_variance()), rounding);
  const Bound all(log_weights, -infinity, sums.n);
  result.elbo = all.value;
  result.elbo_se = all.error;
  const Bound trimmed(log_weights, least_that_counts(log_weights), sums.n);
  result.trimmed_elbo = trimmed.value;
  result.trimmed_elbo_se = trimmed.error;
  result.outside = 1 - trimmed.count / sums.n;
  result.ess = sums.ess();
  result.ess_fraction = result.ess / sums.n;
  result.largest_share = 1 / sums.sum;
  const double khat = psis(log_weights).khat;
  if (std::isfinite(khat)) result.khat = khat;
  result.tail_error = tail_error(khat, result.largest_share);
  result.log_z_se = std::hypot(result.log_z_se, result.tail_error);
  result.half_gap = half_gap(log_weights, rounding);
  result.log_z_se_holds =
      result.ess >= 100 && (result.ess_fraction >= 0.5 ||
                            (result.khat && *result.khat <= khat_threshold(log_weights.size())));
  return result;
}

double rounding_of(std::span<const double> log_p, std::span<const double> log_q) {
  const auto weights = normalised_weights(log_weights(log_p, log_q));
  double mean = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0) mean += weights[i] * (last_digit(log_p[i]) + last_digit(log_q[i]));
  }
  return mean;
}

Importance importance(std::span<const double> log_p, std::span<const double> log_q) {
  return importance(log_weights(log_p, log_q), rounding_of(log_p, log_q));
}

double largest_finite(std::span<const double> log_weights) {
  double most = -infinity;
  for (const double w : log_weights) {
    if (is_positive(w)) most = std::max(most, w);
  }
  return most;
}

std::vector<double> log_weights(std::span<const double> log_p, std::span<const double> log_q) {
  assert(log_p.size() == log_q.size());
  std::vector<double> weights(log_p.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = log_q[i] == infinity ? nan : log_p[i] - log_q[i];
  }
  return weights;
}

std::vector<double> normalised_weights(std::span<const double> log_weights) {
  const Sums sums(log_weights);
  if (!(sums.sum > 0)) return {};
  std::vector<double> weights;
  weights.reserve(log_weights.size());
  for (const double w : log_weights) {
    weights.push_back(is_positive(w) ? std::exp(w - sums.largest) / sums.sum : 0);
  }
  return weights;
}

Resample resample(std::span<const double> log_weights, std::size_t count,
                  const RandomStream& stream) {
  const auto smoothed = psis(log_weights).smoothed;
  const auto weights = normalised_weights(smoothed);
  Resample result;
  if (weights.empty()) return result;
  if (Sums(smoothed).ess() < least_effective) {
    result.status = ResampleStatus::concentrated;
    return result;
  }
  result.status = ResampleStatus::ok;
  const auto last = static_cast<std::size_t>(
      std::find_if(weights.rbegin(), weights.rend(), [](double w) { return w > 0; }).base() -
      weights.begin() - 1);
  std::size_t i = 0;
  double below = weights[0];  // sum of weights up to and with i
  for (std::size_t j = 0; j < count; ++j) {
    const double u = stream.uniform(static_cast<std::uint32_t>(j), 0);
    const double place = (static_cast<double>(j) + u) / static_cast<double>(count);
    // Rounding may leave the sum of all a little below 1.
    while (place >= below && i < last) below += weights[++i];
    if (result.indices.empty() || result.indices.back() != i) ++result.distinct;
    result.indices.push_back(i);
  }
  return result;
}

}  // namespace riffle
