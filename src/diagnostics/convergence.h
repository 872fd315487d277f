#pragma once

#include <cstddef>
#include <span>

namespace riffle {

// Whether chains have mixed, and how much their draws are worth: A. Vehtari, A. Gelman, D. Simpson,
// B. Carpenter, P.-C. Bürkner, "Rank-normalization, folding, and localization: an improved R̂ for
// assessing convergence of MCMC", Bayesian Analysis 16 (2021).
//
// All functions here take the draws of one parameter, [chain][draw], all chains of one length.
// Every chain is split into halves; of an odd number of draws the one in the middle is left out of
// the halves, not of means, sds, medians and quantiles.
//
// What cannot be said is NaN, and nothing is left out in silence:
//   - any value NaN or infinite: all figures are NaN (a median with infinite draws would make
//   sense,
//     but a chain that reached infinity has something else to tell);
//   - all values the same: R̂, effective sizes and errors are NaN, mean and sd are told. Nobody can
//     know whether the parameter is constant or the chains have not moved;
//   - no draws: all NaN. Fewer than 4 draws a chain: R̂ is NaN. Fewer than 10: effective sizes and
//   errors
//     are NaN, since halves of five are the least in which the sum of autocorrelations has two
//     pairs.
// Chains that stand still at different values have R̂ = ∞ or nearly so and an effective size of
// about one draw for each two of them.

struct Convergence {
  double mean = 0;
  double sd = 0;  ///< over all draws, divided by their number less one
  /// The larger of R̂ of ranks and of ranks of |x - median| (sections 4.1 and 4.2). One chain has
  /// one, too, by its halves.
  double r_hat = 0;
  double ess_bulk = 0;  ///< of ranks, as normal scores
  /// The lesser of those of x ≤ q5 and x ≤ q95. One of which all draws are on one side (as 95 % or
  /// more of them are the largest) says nothing and is left out; NaN where neither is left.
  double ess_tail = 0;
  double ess_mean = 0;   ///< of x
  double ess_sd = 0;     ///< of (x - mean)²
  double mcse_mean = 0;  ///< Monte Carlo standard error, sd/√ess_mean
  /// √((m4 - m2²)/(4 m2 ess_sd)), m2 and m4 the mean powers of x - mean: the delta method.
  double mcse_sd = 0;
};

/// Σ_t ρ̂_t in an effective size are by Geyer's initial positive and monotone sequences (1992), with
/// ρ̂_t of all chains as in (10) of the paper, and no more than log10(S) effective draws to a draw.
///
/// Normal scores are Φ⁻¹((r - 3/8)/(S + 1/4)), r the mean rank of ties (14).
///
/// Deviations from ArviZ 0.23, of which all other figures are the same: a chain is constant only
/// where its values are the same to the last digit (ArviZ: within 1e-15, whatever the unit), and
/// then there is no effective size instead of S; the least numbers of chains and of draws above.
Convergence convergence(std::span<const double> draws, std::size_t chains);

/// Effective size for the mean, and that mean's error; NaN as above.
double ess_mean(std::span<const double> draws, std::size_t chains);
double mcse_mean(std::span<const double> draws, std::size_t chains);

/// Effective size of x ≤ the p-quantile (type 7 of Hyndman & Fan 1996), 0 ≤ p ≤ 1. NaN as above,
/// and where all draws are on one side.
double ess_quantile(std::span<const double> draws, std::size_t chains, double p);

/// Standard error of the p-quantile: half the distance of the draws at the Φ(-1) and Φ(1) quantiles
/// of Beta(ess p + 1, ess (1 - p) + 1) of all of them in order (section 4.4 and appendix). 0 where
/// these draws are the same, as with few values. NaN as above.
double mcse_quantile(std::span<const double> draws, std::size_t chains, double p);

}  // namespace riffle
