#include "calibration/ecdf_band.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace riffle {

EcdfBand::EcdfBand(std::size_t count, std::size_t bins)
    : count_(count), bins_(bins), log_factorial_(count + 1, 0.0), tails_((bins - 1) * (count + 1)) {
  assert(count >= 1 && bins >= 2);
  for (std::size_t n = 1; n <= count; ++n) {
    log_factorial_[n] = log_factorial_[n - 1] + std::log(static_cast<double>(n));
  }
  std::vector<double> mass(count + 1);
  for (std::size_t i = 1; i < bins; ++i) {
    const double p = static_cast<double>(i) / static_cast<double>(bins);
    for (std::size_t k = 0; k <= count; ++k) mass[k] = std::exp(log_binomial(count, k, p));
    double* const tails = &tails_[(i - 1) * (count + 1)];
    double sum = 0;
    for (std::size_t k = 0; k <= count; ++k) tails[k] = sum += mass[k];
    sum = 0;
    for (std::size_t k = count + 1; k-- > 0;) {
      sum += mass[k];
      tails[k] = std::min(1.0, 2 * std::min(tails[k], sum));
    }
  }
}

double EcdfBand::log_binomial(std::size_t n, std::size_t k, double p) const {
  return log_factorial_[n] - log_factorial_[k] - log_factorial_[n - k] +
         static_cast<double>(k) * std::log(p) + static_cast<double>(n - k) * std::log1p(-p);
}

double EcdfBand::tail(std::size_t point, std::size_t below) const {
  return tails_[(point - 1) * (count_ + 1) + below];
}

EcdfBand::Limits EcdfBand::limits_of(double gamma) const {
  Limits limits;
  for (std::size_t i = 1; i < bins_; ++i) {
    std::size_t low = 0;
    std::size_t high = count_;
    while (low < high && tail(i, low) <= gamma) ++low;
    while (high > low && tail(i, high) <= gamma) --high;
    limits.lower.push_back(low);
    limits.upper.push_back(high);
  }
  return limits;
}

double EcdfBand::chance_outside(double gamma) const {
  const auto limits = limits_of(gamma);
  // The chance of each count below the point, of samples that were inside so far.
  std::vector<double> now(count_ + 1, 0.0);
  std::vector<double> next(count_ + 1);
  now[0] = 1;
  std::size_t low = 0;
  std::size_t high = 0;
  for (std::size_t i = 1; i < bins_; ++i) {
    const std::size_t to_low = limits.lower[i - 1];
    const std::size_t to_high = limits.upper[i - 1];
    if (tail(i, to_low) <= gamma) return 1;  // nothing is inside
    std::fill(next.begin(), next.end(), 0.0);
    const double p = 1 / static_cast<double>(bins_ - i + 1);  // of what is left, in this bin
    const double odds = p / (1 - p);
    for (std::size_t x = low; x <= high; ++x) {
      const std::size_t first = std::max(x, to_low);
      if (now[x] == 0 || first > to_high) continue;
      double mass = now[x] * std::exp(log_binomial(count_ - x, first - x, p));
      for (std::size_t y = first; y <= to_high; ++y) {
        next[y] += mass;
        mass *= odds * static_cast<double>(count_ - y) / static_cast<double>(y + 1 - x);
      }
    }
    now.swap(next);
    low = to_low;
    high = to_high;
  }
  double inside = 0;
  for (std::size_t x = low; x <= high; ++x) inside += now[x];
  return std::clamp(1 - inside, 0.0, 1.0);
}

EcdfBand::Limits EcdfBand::limits(double level) const {
  double low = 0;  // chance_outside(low) <= 1 - level < chance_outside(high)
  double high = 1;
  for (int step = 0; step < 40 && high - low > 1e-6 * high; ++step) {
    const double gamma = step < 20 && low == 0 ? high / 4 : (low + high) / 2;
    (chance_outside(gamma) <= 1 - level ? low : high) = gamma;
  }
  return limits_of(low);
}

double EcdfBand::p_value(std::span<const std::size_t> in_bins) const {
  assert(in_bins.size() == bins_);
  double gamma = 1;
  std::size_t below = 0;
  for (std::size_t i = 1; i < bins_; ++i) {
    below += in_bins[i - 1];
    gamma = std::min(gamma, tail(i, below));
  }
  return chance_outside(gamma);
}

}  // namespace riffle
