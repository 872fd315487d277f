#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "calibration/ecdf_band.h"

namespace riffle {

/// Draws of a fit among which the truth is ranked: ranks are 0, ..., rank_draws.
inline constexpr std::size_t rank_draws = 199;
inline constexpr std::size_t rank_bins = rank_draws + 1;
/// Probabilities of the central intervals whose coverage is told.
inline constexpr std::array<double, 4> coverage_levels{0.5, 0.8, 0.9, 0.95};

/// What the ranks of one quantity say. Under calibration they are uniform.
struct RankTests {
  std::size_t count = 0;
  double ecdf_p = 1;  ///< of the largest departure of the distribution function, simultaneous
  double bias = 0;    ///< mean of the truth's normal score: in posterior sds, how far too low q is
  double bias_p = 1;
  double width =
      1;  ///< q's width over the right one, by the scores' variance; 0.9: 10 % too narrow
  double width_p = 1;
  std::array<double, coverage_levels.size()> coverage{};  ///< share inside
  std::vector<std::size_t> in_bins;

  /// The least of the three, times three: at most 1.
  double p() const;
};

/// ranks[i] <= rank_draws; `band` is of as many. Scores are normal quantiles of (rank + 1/2) / 200,
/// as in S. Cook, A. Gelman, D. Rubin, JCGS 15, 2006, with the exact mean and variance that they
/// have where ranks are uniform.
RankTests test_ranks(std::span<const std::size_t> ranks, const EcdfBand& band);

}  // namespace riffle
