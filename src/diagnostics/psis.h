#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace riffle {

/// Pareto-smoothed importance sampling.
struct Psis {
  /// Shape k of the generalised Pareto distribution fitted to the largest weights. Infinite where
  /// it could not be fitted: then nothing is smoothed, and k tells nothing.
  double khat = 0;
  std::size_t tail = 0;  ///< how many weights it was fitted to
  /// ln w in the order of the input and on its scale (not normalised), the tail replaced by
  /// quantiles of the fit, none above the largest of the input.
  std::vector<double> smoothed;
};

/// Smooths importance weights given by their logarithms, for independent draws: A. Vehtari,
/// D. Simpson, A. Gelman, Y. Yao, J. Gabry, "Pareto smoothed importance sampling", JMLR 25 (2024),
/// algorithm 1; k by J. Zhang & M. A. Stephens (2009) with the paper's weak prior, which counts as
/// ten observations of k = 1/2.
///
/// The tail is what lies above the (M+1)-th largest weight, M = ⌈min(n/5, 3√n)⌉, or above the
/// smallest normal number times the largest weight. Ties with that weight are not in it, so it may
/// be shorter than M; with fewer than five weights nothing is fitted. NaN and +∞ are taken as
/// weights of zero.
Psis psis(std::span<const double> log_weights);

/// The largest k at which averages over n weighted draws are dependable: min(1 - 1/log10(n), 0.7),
/// from the same paper.
double khat_threshold(std::size_t n);

}  // namespace riffle
