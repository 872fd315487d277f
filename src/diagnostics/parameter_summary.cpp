#include "diagnostics/parameter_summary.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

namespace riffle {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Weighted {
  double value;
  double weight;
};

/// Type 7, of values that ascend.
double interpolated(std::span<const Weighted> sorted, double p) {
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(below);
  if (part == 0) return sorted[below].value;
  return (1 - part) * sorted[below].value + part * sorted[above].value;
}

/// The least value up to which at least p of the weight lies; weights sum to 1.
double inverted(std::span<const Weighted> sorted, double p) {
  double sum = 0;
  for (const auto& draw : sorted) {
    sum += draw.weight;
    if (sum >= p) return draw.value;
  }
  return sorted.back().value;
}

ParameterSummary summary_of(std::vector<Weighted>& draws, bool is_weighted, std::uint64_t missing,
                            bool with_quantiles) {
  ParameterSummary summary{nan, nan, nan, nan, nan, nan, missing};
  double total = 0;
  for (const auto& draw : draws) total += draw.weight;
  if (!(total > 0)) return summary;
  for (auto& draw : draws) draw.weight /= total;

  summary.mean = 0;
  for (const auto& draw : draws) summary.mean += draw.weight * draw.value;
  double variance = 0;
  double error = 0;
  double squares = 0;
  for (const auto& [value, weight] : draws) {
    const double deviation = (value - summary.mean) * (value - summary.mean);
    variance += weight * deviation;
    error += weight * weight * deviation;
    squares += weight * weight;
  }
  const auto n = static_cast<double>(draws.size());
  // With a single draw that counts the quotient would be 0/0 or, by rounding, anything.
  const bool has_spread = std::ranges::count_if(draws, [](auto& d) { return d.weight > 0; }) > 1;
  summary.sd = has_spread ? std::sqrt(variance / (1 - (is_weighted ? squares : 1 / n))) : nan;
  summary.mcse = !has_spread ? nan : is_weighted ? std::sqrt(error) : summary.sd / std::sqrt(n);
  if (!with_quantiles) return summary;

  std::ranges::sort(draws, {}, &Weighted::value);
  const auto quantile = is_weighted ? inverted : interpolated;
  summary.q5 = quantile(draws, 0.05);
  summary.q50 = quantile(draws, 0.5);
  summary.q95 = quantile(draws, 0.95);
  return summary;
}

std::vector<ParameterSummary> summaries_of(std::span<const double> values, std::size_t count,
                                           std::span<const double> weights, bool with_quantiles) {
  const std::size_t n = count == 0 ? 0 : values.size() / count;
  assert(weights.empty() || weights.size() == n);
  std::vector<ParameterSummary> summaries;
  std::vector<Weighted> draws;
  for (std::size_t parameter = 0; parameter < count; ++parameter) {
    draws.clear();
    std::uint64_t missing = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double value = values[i * count + parameter];
      const double weight = weights.empty() ? 1 : weights[i];
      if (std::isnan(value)) {
        ++missing;
      } else if (weight > 0) {
        draws.push_back({value, weight});
      }
    }
    summaries.push_back(summary_of(draws, !weights.empty(), missing, with_quantiles));
  }
  return summaries;
}

}  // namespace

std::vector<ParameterSummary> summarise(std::span<const double> values, std::size_t count,
                                        std::span<const double> weights) {
  return summaries_of(values, count, weights, true);
}

Shift largest_shift(std::span<const ParameterSummary> from, std::span<const ParameterSummary> to) {
  assert(from.size() == to.size());
  const auto or_infinite = [](double x) {
    return std::isnan(x) ? std::numeric_limits<double>::infinity() : x;
  };
  Shift shift;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i].sd == 0 && to[i].sd == 0 && from[i].mean == to[i].mean) continue;
    const double mean = or_infinite(std::abs(from[i].mean - to[i].mean) / to[i].sd);
    const double sd = or_infinite(std::abs(std::log(from[i].sd / to[i].sd)));
    if (mean > shift.mean) {
      shift.mean = mean;
      shift.mean_parameter = i;
    }
    if (sd > shift.sd) {
      shift.sd = sd;
      shift.sd_parameter = i;
    }
  }
  return shift;
}

Shift largest_shift(std::span<const double> values, std::size_t count, std::size_t plain,
                    std::span<const double> weights) {
  const auto from = summaries_of(values.first(plain * count), count, {}, false);
  const auto to = summaries_of(values, count, weights, false);
  auto shift = largest_shift(from, to);
  if (count == 0 || weights.empty()) return shift;
  double sum = 0;
  for (const double w : weights) sum += w;
  // What each draw moves a figure by: its influence on either summary, times its share in that.
  const auto error = [&](std::size_t parameter, auto&& influence) {
    double squares = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double x = values[i * count + parameter];
      if (std::isnan(x)) continue;
      const double share = i < plain ? 1 / static_cast<double>(plain) : 0;
      const double moved = influence(from[parameter], to[parameter], x, share, weights[i] / sum);
      squares += moved * moved;
    }
    return std::isfinite(squares) ? std::sqrt(squares) : 0;
  };
  const auto widens = [](const ParameterSummary& summary, double x) {
    const double u = (x - summary.mean) / summary.sd;
    return (u * u - 1) / 2;
  };
  using Of = const ParameterSummary&;
  shift.mean_error =
      error(shift.mean_parameter, [&](Of a, Of b, double x, double share, double weight) {
        const double apart = (a.mean - b.mean) / b.sd;
        return share * (x - a.mean) / b.sd - weight * ((x - b.mean) / b.sd + apart * widens(b, x));
      });
  shift.sd_error =
      error(shift.sd_parameter, [&](Of a, Of b, double x, double share, double weight) {
        return share * widens(a, x) - weight * widens(b, x);
      });
  return shift;
}

}  // namespace riffle
