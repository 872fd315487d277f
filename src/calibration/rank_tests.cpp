#include "calibration/rank_tests.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "diagnostics/quantile_functions.h"

namespace riffle {
namespace {

double two_sided(double z) {
  return std::erfc(std::abs(z) / std::numbers::sqrt2);
}

double score_of(std::size_t rank) {
  return normal_quantile((static_cast<double>(rank) + 0.5) / static_cast<double>(rank_bins));
}

}  // namespace

double RankTests::p() const {
  return std::min(1.0, 3 * std::min({ecdf_p, bias_p, width_p}));
}

RankTests test_ranks(std::span<const std::size_t> ranks, const EcdfBand& band) {
  RankTests tests;
  tests.count = ranks.size();
  tests.in_bins.assign(rank_bins, 0);
  if (ranks.empty()) return tests;
  double second = 0;
  double fourth = 0;
  for (std::size_t r = 0; r < rank_bins; ++r) {
    const double s = score_of(r) * score_of(r);
    second += s / static_cast<double>(rank_bins);
    fourth += s * s / static_cast<double>(rank_bins);
  }
  double sum = 0;
  double squares = 0;
  for (const auto rank : ranks) {
    assert(rank <= rank_draws);
    ++tests.in_bins[rank];
    sum += score_of(rank);
    squares += score_of(rank) * score_of(rank);
    for (std::size_t i = 0; i < coverage_levels.size(); ++i) {
      const auto out = static_cast<std::size_t>(
          std::lround((1 - coverage_levels[i]) / 2 * static_cast<double>(rank_bins)));
      tests.coverage[i] += rank >= out && rank + out < rank_bins ? 1 : 0;
    }
  }
  const double n = static_cast<double>(ranks.size());
  for (double& share : tests.coverage) share /= n;
  tests.bias = sum / n;
  tests.bias_p = two_sided(tests.bias / std::sqrt(second / n));
  const double variance = squares / n;
  tests.width = std::sqrt(second / std::max(variance, 1e-300));
  // The cube root of the variance is nearly normal (E. Wilson, M. Hilferty, PNAS 17, 1931).
  const double freedom = 2 * n / (fourth / (second * second) - 1);
  const double spread = 2 / (9 * freedom);
  tests.width_p = two_sided((std::cbrt(variance / second) - 1 + spread) / std::sqrt(spread));
  tests.ecdf_p = band.p_value(tests.in_bins);
  return tests;
}

}  // namespace riffle
