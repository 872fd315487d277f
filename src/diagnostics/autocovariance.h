#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace riffle {

/// Autocovariances of chains of one length, at every lag.
///
/// γ(k) = 1/n Σ_t (x_t - x̄)(x_{t+k} - x̄), with the n of lag 0 at every lag (so that they are those
/// of a spectrum that is not negative: C. J. Geyer 1992, section 3.1), x̄ the mean of the chain. By
/// fast Fourier transform: |F x|² of chains, two to a transform, is summed and transformed back
/// once.
class Autocovariance {
 public:
  /// For chains of `draws` draws, at least one.
  explicit Autocovariance(std::size_t draws);

  /// The mean over chains of γ(0) ... γ(draws - 1). `chains` is [chain][draw], one chain at least.
  /// Values must be finite, and their squares, too.
  std::vector<double> mean_over(std::span<const double> chains) const;

 private:
  /// Σ_t x_t e^{-2πi st/m} in place, by halves (radix 2).
  void transform(std::span<double> real, std::span<double> imaginary) const;

  std::size_t draws_;
  std::size_t size_ = 1;               ///< m, the power of two that keeps the ends of a chain apart
  std::vector<double> cosine_, sine_;  ///< of 2πs/m, s < m/2
};

}  // namespace riffle
