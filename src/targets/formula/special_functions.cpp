#include "targets/formula/special_functions.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "lanes/dual.h"

namespace riffle {

// The functions of the C++ library for dual numbers, where calls look for them: in the namespace of
// the type itself.

static Dual chain(Dual a, double value, double slope) {
  return {value, a.tangent * slope};
}
static Dual tan(Dual a) {
  const double t = std::tan(a.value);
  return chain(a, t, 1 + t * t);
}
static Dual asin(Dual a) {
  return chain(a, std::asin(a.value), 1 / std::sqrt(1 - a.value * a.value));
}
static Dual acos(Dual a) {
  return chain(a, std::acos(a.value), -1 / std::sqrt(1 - a.value * a.value));
}
static Dual atan(Dual a) {
  return chain(a, std::atan(a.value), 1 / (1 + a.value * a.value));
}
static constexpr double two_over_root_pi = 2 * std::numbers::inv_sqrtpi;
static Dual erf(Dual a) {
  return chain(a, std::erf(a.value), two_over_root_pi * std::exp(-a.value * a.value));
}
static Dual erfc(Dual a) {
  return chain(a, std::erfc(a.value), -two_over_root_pi * std::exp(-a.value * a.value));
}
static Dual atan2(Dual a, Dual b) {
  const double r = a.value * a.value + b.value * b.value;
  return {std::atan2(a.value, b.value), (a.tangent * b.value - b.tangent * a.value) / r};
}
static Dual pow(Dual a, Dual b) {
  const double value = std::pow(a.value, b.value);
  const double by_a = b.value * std::pow(a.value, b.value - 1);
  return {value, a.tangent * by_a + (b.tangent == 0 ? 0 : b.tangent * value * std::log(a.value))};
}

namespace {

double value_of(Dual a) {
  return a.value;
}
double value_of(double a) {
  return a;
}
double value_of(float a) {
  return a;
}

/// The logarithm of |Γ|, without the global sign that std::lgamma writes.
double log_gamma(double a) {
#if defined(__GLIBC__)
  int sign = 0;
  return ::lgamma_r(a, &sign);
#else
  return std::lgamma(a);
#endif
}
float log_gamma(float a) {
  return static_cast<float>(log_gamma(static_cast<double>(a)));
}

/// (ln Γ)': by its recurrence up to 10, beyond which seven terms of Stirling's series do.
template <class T>
T digamma(T x) {
  using std::log;
  using std::tan;
  T sum = T(0);
  if (value_of(x) <= 0) {
    // Reflection.
    return digamma(T(1) - x) - T(std::numbers::pi) / tan(T(std::numbers::pi) * x);
  }
  while (value_of(x) < 10) {
    sum -= T(1) / x;
    x += T(1);
  }
  const T r = T(1) / (x * x);
  constexpr double coefficients[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                                     1.0 / 132, -691.0 / 32760, 1.0 / 12};
  T series = T(0);
  for (int k = 6; k >= 0; --k) series = (series + T(coefficients[k])) * r;
  return sum + log(x) - T(0.5) / x - series;
}

Dual log_gamma(Dual a) {
  return chain(a, log_gamma(a.value), digamma(a.value));
}

/// e^(a²) erfc(a) for a >= 4, by its continued fraction.
template <class T>
T scaled_erfc(T a) {
  T fraction = a;
  for (int k = 60; k >= 1; --k) fraction = a + T(0.5 * k) / fraction;
  return T(std::numbers::inv_sqrtpi) / fraction;
}

template <class T>
T log_erfc(T a) {
  using std::erfc;
  using std::log;
  return value_of(a) < 4 ? log(erfc(a)) : log(scaled_erfc(a)) - a * a;
}

template <class T>
T log_erfc_slope(T a) {
  using std::erfc;
  using std::exp;
  const T scaled = value_of(a) < 4 ? erfc(a) * exp(a * a) : scaled_erfc(a);
  // Far below, erfc is 2 and e^(a²) infinite.
  if (value_of(a) < -4) return T(-two_over_root_pi) * exp(-(a * a)) / erfc(a);
  return T(-two_over_root_pi) / scaled;
}

}  // namespace

namespace formula {
namespace {

template <class T>
void at(Op op, T a, T& value, T& slope) {
  using std::acos;
  using std::asin;
  using std::atan;
  using std::erf;
  using std::erfc;
  using std::exp;
  using std::sqrt;
  using std::tan;
  switch (op) {
    case Op::tan:
      value = tan(a);
      slope = T(1) + value * value;
      return;
    case Op::asin:
      value = asin(a);
      slope = T(1) / sqrt(T(1) - a * a);
      return;
    case Op::acos:
      value = acos(a);
      slope = T(-1) / sqrt(T(1) - a * a);
      return;
    case Op::atan:
      value = atan(a);
      slope = T(1) / (T(1) + a * a);
      return;
    case Op::erf:
      value = erf(a);
      slope = T(two_over_root_pi) * exp(-(a * a));
      return;
    case Op::erfc:
      value = erfc(a);
      slope = T(-two_over_root_pi) * exp(-(a * a));
      return;
    case Op::log_erfc:
      value = log_erfc(a);
      slope = log_erfc_slope(a);
      return;
    case Op::lgamma:
      value = log_gamma(a);
      slope = digamma(a);
      return;
    default:
      value = slope = T(std::numeric_limits<double>::quiet_NaN());
  }
}

}  // namespace

template <class T>
void special_unary(Op op, const T* a, T* value, T* slope, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) at(op, a[i], value[i], slope[i]);
}

template <class T>
void special_binary(Op op, const T* a, const T* b, T* value, T* slope_a, T* slope_b,
                    std::size_t n) {
  using std::atan2;
  using std::log;
  using std::pow;
  for (std::size_t i = 0; i < n; ++i) {
    if (op == Op::atan2) {
      const T r = a[i] * a[i] + b[i] * b[i];
      value[i] = atan2(a[i], b[i]);
      slope_a[i] = b[i] / r;
      slope_b[i] = -a[i] / r;
    } else {
      value[i] = pow(a[i], b[i]);
      slope_a[i] = b[i] * pow(a[i], b[i] - T(1));
      // 0^b = 0 whatever the positive b.
      slope_b[i] = value_of(a[i]) == 0 ? T(0) : value[i] * log(a[i]);
    }
  }
}

template <class T>
void sincos_of_large(const T* a, T* sine, T* cosine, std::size_t n) {
  using std::cos;
  using std::sin;
  for (std::size_t i = 0; i < n; ++i) {
    if (std::abs(value_of(a[i])) <= largest_angle) continue;
    sine[i] = sin(a[i]);
    cosine[i] = cos(a[i]);
  }
}

#define RIFFLE_INSTANTIATE(T)                                                    \
  template void special_unary(Op, const T*, T*, T*, std::size_t);                \
  template void special_binary(Op, const T*, const T*, T*, T*, T*, std::size_t); \
  template void sincos_of_large(const T*, T*, T*, std::size_t);

RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)
RIFFLE_INSTANTIATE(Dual)

}  // namespace formula
}  // namespace riffle
