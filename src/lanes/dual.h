#pragma once

#include <cmath>
#include <numbers>

namespace riffle {

/// Dual number a + b·ε with ε² = 0: carries a value and one directional derivative through any code
/// written over the lane policy, exact to rounding and without a step size. Used as a test oracle.
/// Comparisons look at the value alone.
struct Dual {
  double value = 0;
  double tangent = 0;

  constexpr Dual() = default;
  constexpr Dual(double v) : value(v) {}  // NOLINT(google-explicit-constructor)
  constexpr Dual(double v, double t) : value(v), tangent(t) {}

  friend Dual operator-(Dual a) { return {-a.value, -a.tangent}; }
  friend Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.tangent + b.tangent}; }
  friend Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.tangent - b.tangent}; }
  friend Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, a.tangent * b.value + a.value * b.tangent};
  }
  friend Dual operator/(Dual a, Dual b) {
    const double q = a.value / b.value;
    return {q, (a.tangent - q * b.tangent) / b.value};
  }
  Dual& operator+=(Dual b) { return *this = *this + b; }
  Dual& operator-=(Dual b) { return *this = *this - b; }
  Dual& operator*=(Dual b) { return *this = *this * b; }

  friend bool operator<(Dual a, Dual b) { return a.value < b.value; }
  friend bool operator<=(Dual a, Dual b) { return a.value <= b.value; }
  friend bool operator>(Dual a, Dual b) { return a.value > b.value; }
  friend bool operator>=(Dual a, Dual b) { return a.value >= b.value; }
  friend bool operator==(Dual a, Dual b) { return a.value == b.value; }
};

inline Dual abs(Dual a) {
  return a.value < 0 ? -a : a;
}
inline Dual sqrt(Dual a) {
  const double r = std::sqrt(a.value);
  return {r, a.tangent / (2 * r)};
}
inline Dual exp(Dual a) {
  const double e = std::exp(a.value);
  return {e, a.tangent * e};
}
inline Dual log(Dual a) {
  return {std::log(a.value), a.tangent / a.value};
}
inline Dual log1p(Dual a) {
  return {std::log1p(a.value), a.tangent / (1 + a.value)};
}
inline Dual tanh(Dual a) {
  const double t = std::tanh(a.value);
  const double c = std::cosh(a.value);
  return {t, a.tangent / (c * c)};
}
inline Dual sin(Dual a) {
  return {std::sin(a.value), a.tangent * std::cos(a.value)};
}
inline Dual cos(Dual a) {
  return {std::cos(a.value), -a.tangent * std::sin(a.value)};
}
inline Dual floor(Dual a) {
  return {std::floor(a.value), 0};
}
inline Dual normal_cdf(Dual a) {
  const double density = std::exp(-0.5 * a.value * a.value) / std::sqrt(2 * std::numbers::pi);
  return {0.5 * std::erfc(-a.value / std::numbers::sqrt2), a.tangent * density};
}
inline bool isfinite(Dual a) {
  return std::isfinite(a.value) && std::isfinite(a.tangent);
}

}  // namespace riffle
