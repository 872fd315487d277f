#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/philox.h"

namespace riffle {

/// ln ∫p with its standard error.
struct Evidence {
  double log_z = 0;
  double log_z_se = 0;
};

/// What importance weights w = p/q of independent draws of q say of p and of q.
///
/// A weight of zero (ln w = -∞: a draw outside the support) counts as what it is. A weight that is
/// no number (ln w NaN or +∞: the target failed) is taken as zero too, and counted as invalid.
/// Where no weight is positive, there are no figures: they are NaN, and `collapsed` says so.
///
/// Bounds on log_z are those of q without the draws that are left out: with s the share of those
/// that stay, the mean of their ln w, plus ln s, is the bound of q restricted to where they are.
struct Importance {
  std::uint64_t draws = 0;
  std::uint64_t zero = 0;     ///< ln w = -∞
  std::uint64_t invalid = 0;  ///< ln w NaN or +∞
  bool collapsed = false;
  double log_z = 0;  ///< ln of the mean weight
  /// Standard error of log_z by the delta method, sd(w) / (mean(w) √n), by rounding, and by the
  /// tail: weights with k̂ > 1/2 have no variance, and by the Pareto fit all that are larger than
  /// the largest of these are expected to hold 1/(1 - k̂) times its share of Z.
  double log_z_se = 0;
  double tail_error = 0;  ///< that part of it: 0 where k̂ is 1/2 at most, or is none
  /// Whether that error can be believed: 100 effective draws at least, and k̂ below its threshold or
  /// weights that are nearly all alike (half of the draws are effective). Mass of p where q has
  /// (nearly) none shows in neither figure.
  bool log_z_se_holds = false;
  /// The bound without the draws whose weight is zero: with one of these, that of q is -∞.
  double elbo = 0;
  double elbo_se = 0;
  /// The bound without draws where p is all but zero, too: whose ln w is more than 10 nats, and
  /// more than ten times the distance of the 90 % from the 98 % quantile, below the former. Of a
  /// density with steep walls a few draws beyond them have the whole say in `elbo`, and none here.
  double trimmed_elbo = 0;
  double trimmed_elbo_se = 0;
  double outside = 0;        ///< share of the draws that are left out there
  double ess = 0;            ///< effective draws, (Σw)² / Σw²
  double ess_fraction = 0;   ///< of all draws
  double largest_share = 0;  ///< largest weight over the sum of weights
  /// Tail index of the weights by Pareto smoothing; nothing where too few weights differ to fit it.
  std::optional<double> khat;
  /// log_z of the first half of the draws minus that of the second, in standard errors of this
  /// difference, which are no less than what rounding does; NaN where a half has no weight.
  double half_gap = 0;
  double rounding = 0;  ///< of ln w, in nats, where the weight is
};

/// The figures for weights given by their logarithms, in the order of the draws. `rounding` is that
/// of these logarithms, where it is more than their own last digit (rounding_of).
Importance importance(std::span<const double> log_weights, double rounding = 0);

/// The figures for weights p/q, with the rounding that both have.
Importance importance(std::span<const double> log_p, std::span<const double> log_q);

/// How far apart the numbers next to ln p and to ln q are: their differences are known no better.
/// The mean over draws, by weight, since what ln p is where there is none does not matter; 0 where
/// no weight is positive.
double rounding_of(std::span<const double> log_p, std::span<const double> log_q);

/// ln p - ln q of each draw. What is +∞ on the side of q is a failure of q and gives NaN.
std::vector<double> log_weights(std::span<const double> log_p, std::span<const double> log_q);

/// The largest of those that are finite; -∞ where none is.
double largest_finite(std::span<const double> log_weights);

/// Self-normalised weights: they sum to 1, those of NaN and +∞ are 0. Empty where no weight is
/// positive. Smoothed ones come from psis(...).smoothed.
std::vector<double> normalised_weights(std::span<const double> log_weights);

enum class ResampleStatus {
  ok,
  no_weight,     ///< no weight is positive
  concentrated,  ///< fewer than `least_effective` draws carry the weight
};

struct Resample {
  ResampleStatus status = ResampleStatus::no_weight;
  std::vector<std::size_t> indices;  ///< of draws, ascending; empty unless the status is ok
  std::size_t distinct = 0;          ///< how many draws are among them
};

inline constexpr double least_effective = 20;

/// `count` draws, with replacement, in proportion to their Pareto-smoothed weights: stratified
/// resampling (G. Kitagawa 1996), so that a draw of weight w appears within two of count·w times.
/// The random numbers are those of samples 0 ... count - 1 of the stream. It refuses, rather than
/// give copies of a few draws or draws that ignore their weights.
Resample resample(std::span<const double> log_weights, std::size_t count,
                  const RandomStream& stream);

}  // namespace riffle
