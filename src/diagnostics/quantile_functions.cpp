#include "diagnostics/quantile_functions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace riffle {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// The fraction of I_x(a, b) (Abramowitz & Stegun 1964, 26.5.8) by W. J. Lentz's method; it goes to
/// its value in about √max(a, b) steps where x < (a + 1)/(a + b + 2).
double beta_fraction(double x, double a, double b) {
  constexpr double tiny = 1e-300;
  constexpr int most = 100'000;
  const auto kept = [](double v) { return std::abs(v) < tiny ? tiny : v; };
  double c = 1;
  double d = 1 / kept(1 - (a + b) * x / (a + 1));
  double value = d;
  for (int m = 1; m < most; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double step = 1;
    for (const double term : {even, odd}) {
      d = 1 / kept(1 + term * d);
      c = kept(1 + term / c);
      value *= c * d;
      step = c * d;
    }
    if (std::abs(step - 1) < std::numeric_limits<double>::epsilon()) break;
  }
  return value;
}

/// ln x^a (1 - x)^b / B(a, b)
double log_beta_power(double x, double a, double b) {
  return std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) +
         b * std::log1p(-x);
}

double incomplete_beta(double x, double a, double b) {
  if (!(x > 0)) return 0;
  if (!(x < 1)) return 1;
  const double power = std::exp(log_beta_power(x, a, b));
  if (x < (a + 1) / (a + b + 2)) return power * beta_fraction(x, a, b) / a;
  return 1 - power * beta_fraction(1 - x, b, a) / b;
}

}  // namespace

double normal_quantile(double p) {
  if (!(p >= 0 && p <= 1)) return nan;
  if (p == 0) return -infinity;
  if (p == 1) return infinity;
  if (p > 0.5) return -normal_quantile(1 - p);
  // Abramowitz & Stegun 26.2.23, to 4.5e-4; each of Halley's steps triples the digits.
  const double t = std::sqrt(-2 * std::log(p));
  double x = (2.515517 + t * (0.802853 + t * 0.010328)) /
                 (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) -
             t;
  for (int step = 0; step < 2; ++step) {
    const double excess = 0.5 * std::erfc(-x / std::numbers::sqrt2) - p;
    const double newton = excess * std::sqrt(2 * std::numbers::pi) * std::exp(0.5 * x * x);
    x -= newton / (1 + 0.5 * x * newton);
  }
  return x;
}

double beta_quantile(double p, double a, double b) {
  if (!(a > 0 && b > 0 && p >= 0 && p <= 1) || std::isinf(a) || std::isinf(b)) return nan;
  double low = 0;
  double high = 1;
  double x = a / (a + b);
  for (int step = 0; step < 200 && high - low > 1e-15 * high; ++step) {
    const double excess = incomplete_beta(x, a, b) - p;
    (excess < 0 ? low : high) = x;
    const double slope = std::exp(log_beta_power(x, a, b)) / (x * (1 - x));
    double next = x - excess / slope;
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    const double moved = std::abs(next - x);
    x = next;
    if (moved <= 1e-14 * x) break;
  }
  return x;
}

}  // namespace riffle
