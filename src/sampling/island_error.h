#pragma once

#include <cstddef>
#include <span>

namespace riffle {

/// ln of the mean of exp; -infinity where all are, or there is none.
double log_mean_exp(std::span<const double> logarithms);

/// Standard error of log_mean_exp(log_weights), where `islands` equal parts, in a row, are
/// independent: the jackknife's over them, times t(0.975; islands - 1)/1.96, so that two of it
/// cover nineteen times of twenty. NaN where fewer than 4 islands have any weight.
double island_error(std::span<const double> log_weights, std::size_t islands);

}  // namespace riffle
