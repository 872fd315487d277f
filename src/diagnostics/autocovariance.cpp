#include "diagnostics/autocovariance.h"

#include <cassert>
#include <cmath>
#include <numbers>
#include <utility>

namespace riffle {

Autocovariance::Autocovariance(std::size_t draws) : draws_(draws) {
  assert(draws > 0);
  while (size_ < 2 * draws) size_ *= 2;
  for (std::size_t s = 0; s < size_ / 2; ++s) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(s) / static_cast<double>(size_);
    cosine_.push_back(std::cos(angle));
    sine_.push_back(std::sin(angle));
  }
}

void Autocovariance::transform(std::span<double> real, std::span<double> imaginary) const {
  // Bits of the index reversed.
  for (std::size_t i = 1, j = 0; i < size_; ++i) {
    std::size_t bit = size_ / 2;
    for (; (j & bit) != 0; bit /= 2) j ^= bit;
    j |= bit;
    if (i < j) {
      std::swap(real[i], real[j]);
      std::swap(imaginary[i], imaginary[j]);
    }
  }
  for (std::size_t half = 1; half < size_; half *= 2) {
    const std::size_t stride = size_ / (2 * half);
    for (std::size_t start = 0; start < size_; start += 2 * half) {
      for (std::size_t k = 0; k < half; ++k) {
        const std::size_t a = start + k;
        const std::size_t b = a + half;
        const double c = cosine_[k * stride];
        const double s = sine_[k * stride];
        const double turned_real = c * real[b] + s * imaginary[b];
        const double turned_imaginary = c * imaginary[b] - s * real[b];
        real[b] = real[a] - turned_real;
        imaginary[b] = imaginary[a] - turned_imaginary;
        real[a] += turned_real;
        imaginary[a] += turned_imaginary;
      }
    }
  }
}

std::vector<double> Autocovariance::mean_over(std::span<const double> chains) const {
  const std::size_t count = chains.size() / draws_;
  assert(count > 0 && chains.size() == count * draws_);
  std::vector<double> power(size_, 0.0);
  std::vector<double> nothing(size_, 0.0);
  std::vector<double> part[2]{std::vector<double>(size_), std::vector<double>(size_)};
  for (std::size_t first = 0; first < count; first += 2) {
    for (std::size_t p = 0; p < 2; ++p) {
      part[p].assign(size_, 0.0);
      if (first + p >= count) continue;
      const auto chain = chains.subspan((first + p) * draws_, draws_);
      double mean = 0;
      for (const double x : chain) mean += x / static_cast<double>(draws_);
      for (std::size_t t = 0; t < draws_; ++t) part[p][t] = chain[t] - mean;
    }
    transform(part[0], part[1]);
    // Of |F(x + iy)|², what is not even in the frequency is the covariance of x with y: it goes
    // into the imaginary part of the transform back, which nobody reads.
    for (std::size_t s = 0; s < size_; ++s) {
      power[s] += part[0][s] * part[0][s] + part[1][s] * part[1][s];
    }
  }
  transform(power, nothing);
  const double scale =
      1 / (static_cast<double>(size_) * static_cast<double>(draws_) * static_cast<double>(count));
  power.resize(draws_);
  for (double& gamma : power) gamma *= scale;
  return power;
}

}  // namespace riffle
