#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace riffle {

/// Simultaneous bands for the empirical distribution function of `count` numbers that are uniform,
/// at the points i / bins, 0 < i < bins: T. Säilynoja, P.-C. Bürkner, A. Vehtari, "Graphical test
/// for discrete uniformity and its applications in goodness-of-fit evaluation and multiple sample
/// comparison", Statistics and Computing 32, 2022, section 2.3. At each point the number below it
/// is binomial; a band holds those values whose tail, twice the lesser of both, is above one and
/// the same gamma. The chance that all points are inside is exact, by the Markov chain of the
/// counts from point to point.
class EcdfBand {
 public:
  /// count >= 1, bins >= 2.
  EcdfBand(std::size_t count, std::size_t bins);

  struct Limits {
    std::vector<std::size_t> lower;  ///< at points 1, ..., bins - 1: the least count inside
    std::vector<std::size_t> upper;  ///< and the greatest
  };

  /// Limits of the narrowest band that holds a uniform sample as a whole with probability `level`
  /// or more.
  Limits limits(double level) const;
  /// The chance that a uniform sample leaves a band of this gamma somewhere.
  double chance_outside(double gamma) const;
  /// The chance that a uniform sample is somewhere as far out as the one with these numbers in its
  /// bins, whose sum is `count`: a p-value.
  double p_value(std::span<const std::size_t> in_bins) const;

 private:
  Limits limits_of(double gamma) const;
  double tail(std::size_t point, std::size_t below) const;
  double log_binomial(std::size_t n, std::size_t k, double p) const;

  std::size_t count_;
  std::size_t bins_;
  std::vector<double> log_factorial_;
  std::vector<double> tails_;  ///< [bins - 1][count + 1]
};

}  // namespace riffle
