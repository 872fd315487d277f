#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace riffle {

/// One parameter over draws.
struct ParameterSummary {
  double mean = 0;
  double sd = 0;
  double mcse = 0;  ///< Monte Carlo standard error of the mean
  double q5 = 0;    ///< quantiles
  double q50 = 0;
  double q95 = 0;
  std::uint64_t missing = 0;  ///< values that are NaN, left out of this parameter's figures
};

/// Each of `count` parameters over independent draws, row-major [n][count].
///
/// Without weights: sd with n - 1, mcse = sd/√n, quantiles by linear interpolation (type 7 of
/// Hyndman & Fan 1996, the default of R and NumPy).
///
/// With weights w[n], not negative, of any sum, for self-normalised importance sampling: mean Σwx,
/// sd² = Σw(x - mean)²/(1 - Σw²), mcse² = Σw²(x - mean)² (A. B. Owen, "Monte Carlo theory, methods
/// and examples", 2013, chapter 9), all with Σw = 1; quantiles invert the weighted distribution
/// function, so they are values of draws. Equal weights give mean and sd as above.
///
/// Figures that do not exist, such as the sd of one draw or all of them where no draw counts, are
/// NaN; infinite values make them what arithmetic makes them.
std::vector<ParameterSummary> summarise(std::span<const double> values, std::size_t count,
                                        std::span<const double> weights = {});

/// How far two summaries of the same parameters are apart, at most.
struct Shift {
  double mean = 0;                 ///< |difference of means| in the sds of `to`
  double sd = 0;                   ///< |ln of the ratio of sds|
  std::size_t mean_parameter = 0;  ///< where they are
  std::size_t sd_parameter = 0;
  double mean_error = 0;  ///< standard errors of both, where they were asked for
  double sd_error = 0;
};

/// Parameters whose sds are both zero and whose means agree, as those of constants, do not count.
/// What cannot be compared makes the shift infinite.
Shift largest_shift(std::span<const ParameterSummary> from, std::span<const ParameterSummary> to);

/// From the first `plain` draws as they are to all draws by their weights, with the standard errors
/// that chance gives both figures (by the delta method).
Shift largest_shift(std::span<const double> values, std::size_t count, std::size_t plain,
                    std::span<const double> weights);

}  // namespace riffle
