#include "calibration/ranks.h"

#include <algorithm>
#include <cmath>

#include "calibration/rank_tests.h"
#include "core/philox.h"

namespace riffle {
namespace {

// Steps that no fit reaches, so that its draws and these share no number.
constexpr std::uint64_t picks = std::uint64_t{1} << 48;
constexpr std::uint64_t ties = picks + 1;

}  // namespace

std::vector<std::size_t> equal_weight_draws(const PosteriorReport& report, std::size_t draws,
                                            std::uint64_t seed) {
  std::vector<double> sums(draws);
  const bool weighted = !report.resampled && report.log_weights.size() == draws;
  double largest = -INFINITY;
  if (weighted) {
    for (const double w : report.log_weights) {
      if (std::isfinite(w)) largest = std::max(largest, w);
    }
  }
  double sum = 0;
  for (std::size_t i = 0; i < draws; ++i) {
    const double w = weighted ? report.log_weights[i] : 0;
    sums[i] = sum += !weighted ? 1 : std::isfinite(w) ? std::exp(w - largest) : 0;
  }
  if (!(sum > 0)) return {};
  const RandomStream stream{seed, Purpose::resampling, picks};
  std::vector<std::size_t> chosen(rank_draws);
  for (std::size_t i = 0; i < rank_draws; ++i) {
    const double at = sum * stream.uniform(static_cast<std::uint32_t>(i), 0);
    chosen[i] = std::min(
        draws - 1, static_cast<std::size_t>(std::ranges::upper_bound(sums, at) - sums.begin()));
  }
  return chosen;
}

std::size_t rank_of(double truth, std::span<const double> draws, std::uint64_t seed,
                    std::uint32_t which) {
  std::size_t below = 0;
  std::size_t equal = 0;
  for (const double x : draws) {
    below += x < truth ? 1 : 0;
    equal += x == truth ? 1 : 0;
  }
  if (equal == 0) return below;
  const RandomStream stream{seed, Purpose::resampling, ties};
  return below + std::min(equal, static_cast<std::size_t>(stream.uniform(which, 0) *
                                                          static_cast<double>(equal + 1)));
}

}  // namespace riffle
