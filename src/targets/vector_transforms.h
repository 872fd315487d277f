#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "lanes/dual.h"

namespace riffle::transforms {

// Maps from unconstrained numbers y to numbers and vectors θ with a constraint, over T = double or
// Dual. Each gives ln|∂θ/∂y|; beside it stands its adjoint, which overwrites y_bar with
// (∂θ/∂y)ᵀ θ̄ + w ∂ln|∂θ/∂y|/∂y, and its inverse. Formulas: Stan Reference Manual, "Constraint
// Transforms"; those of the adjoints in docs/targets.md.

/// ln(1 + eˣ), without a branch, so that its derivative is right at 0 too.
template <class T>
T softplus(T x) {
  using std::abs;
  using std::exp;
  using std::log1p;
  const T size = abs(x);
  return T(0.5) * (x + size) + log1p(exp(-size));
}

/// 1/(1 + e⁻ˣ).
template <class T>
T logistic(T x) {
  using std::abs;
  using std::exp;
  const T e = exp(-abs(x));
  return (x < T(0) ? e : T(1)) / (T(1) + e);
}

// θ = bound + eʸ, or bound - eʸ where sign is -1.
template <class T>
T half_line(double bound, double sign, T y, T& theta) {
  using std::exp;
  theta = T(bound) + T(sign) * exp(y);
  return y;
}
inline double half_line_adjoint(double sign, double y, double theta_bar, double w) {
  return theta_bar * sign * std::exp(y) + w;
}
inline double half_line_inverse(double bound, double sign, double theta) {
  return std::log(sign * (theta - bound));
}

// θ = low + (high - low) s(y), s the logistic function; taken from the nearer end.
template <class T>
T interval(double low, double high, T y, T& theta) {
  const double width = high - low;
  theta = y < T(0) ? T(low) + T(width) * logistic(y) : T(high) - T(width) * logistic(-y);
  return T(std::log(width)) - softplus(y) - softplus(-y);
}
inline double interval_adjoint(double low, double high, double y, double theta_bar, double w) {
  const double up = logistic(y);
  const double down = logistic(-y);
  return theta_bar * (high - low) * up * down + w * (down - up);
}
inline double interval_inverse(double low, double high, double theta) {
  return std::log(theta - low) - std::log(high - theta);
}

// θ_1 = y_1 (or e^y_1 where positive), θ_k = θ_{k-1} + e^y_k.
template <class T>
T ordered(bool positive, std::span<const T> y, std::span<T> theta) {
  using std::exp;
  T log_det = T(0);
  for (std::size_t k = 0; k < y.size(); ++k) {
    const bool steps = positive || k > 0;
    theta[k] = (k > 0 ? theta[k - 1] : T(0)) + (steps ? exp(y[k]) : y[k]);
    if (steps) log_det += y[k];
  }
  return log_det;
}
inline void ordered_adjoint(bool positive, std::span<const double> y,
                            std::span<const double> theta_bar, double w, std::span<double> y_bar) {
  double above = 0;  // Σ θ̄_j for j >= k
  for (std::size_t k = y.size(); k-- > 0;) {
    above += theta_bar[k];
    y_bar[k] = positive || k > 0 ? above * std::exp(y[k]) + w : above;
  }
}
inline void ordered_inverse(bool positive, std::span<const double> theta, std::span<double> y) {
  for (std::size_t k = 0; k < y.size(); ++k) {
    y[k] = positive || k > 0 ? std::log(theta[k] - (k > 0 ? theta[k - 1] : 0.0)) : theta[k];
  }
}

// Stick-breaking: with u_k = y_k - ln(K - k), k = 1 ... K-1, θ_k is the share s(u_k) of what is
// left of a stick of length 1, and θ_K the rest. All of it is kept as logarithms.
template <class T>
T simplex(std::span<const T> y, std::span<T> theta) {
  using std::exp;
  const std::size_t last = y.size();
  T log_left = T(0);
  T log_det = T(0);
  for (std::size_t k = 0; k < last; ++k) {
    const T u = y[k] - T(std::log(static_cast<double>(last - k)));
    const T log_share = -softplus(-u);
    const T log_rest = -softplus(u);
    theta[k] = exp(log_left + log_share);
    log_det += log_left + log_share + log_rest;
    log_left += log_rest;
  }
  theta[last] = exp(log_left);
  return log_det;
}
/// theta is that of y. With l_k = ln θ_k and m_k the logarithm of what is left before step k:
/// l̄_k = θ̄_k θ_k, and backwards ū_k = l̄_k s(-u_k) - m̄_{k+1} s(u_k) + w (s(-u_k) - s(u_k)),
/// m̄_k = m̄_{k+1} + l̄_k + w, from m̄_K = l̄_K on.
inline void simplex_adjoint(std::span<const double> y, std::span<const double> theta,
                            std::span<const double> theta_bar, double w, std::span<double> y_bar) {
  const std::size_t last = y.size();
  double left_bar = theta_bar[last] * theta[last];
  for (std::size_t k = last; k-- > 0;) {
    const double u = y[k] - std::log(static_cast<double>(last - k));
    const double share = logistic(u);
    const double rest = logistic(-u);
    const double own = theta_bar[k] * theta[k];
    y_bar[k] = own * rest - left_bar * share + w * (rest - share);
    left_bar += own + w;
  }
}
inline void simplex_inverse(std::span<const double> theta, std::span<double> y) {
  const std::size_t last = y.size();
  double rest = theta[last];
  for (std::size_t k = last; k-- > 0;) {
    y[k] = std::log(theta[k]) - std::log(rest) + std::log(static_cast<double>(last - k));
    rest += theta[k];
  }
}

}  // namespace riffle::transforms
