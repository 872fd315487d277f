#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

#include "lanes/dual.h"

namespace riffle::transforms {

// Maps from unconstrained numbers y to matrices θ of K rows, column-major, over T = double or Dual;
// otherwise as in vector_transforms.h. y runs through the lower triangle row by row.

/// ln(1/cosh x).
template <class T>
T log_sech(T x) {
  using std::abs;
  using std::exp;
  using std::log1p;
  const T size = abs(x);
  return T(std::numbers::ln2) - size - log1p(exp(T(-2) * size));
}

// Cholesky factor of a correlation matrix: with r_i1 = 1, L_ij = tanh(y_ij) r_ij and
// r_{i,j+1} = r_ij/cosh(y_ij) for j < i, and L_ii = r_ii. As ∂L_ij/∂y_ij = r_ij/cosh²(y_ij),
// ln|∂L/∂y| = Σ_{j<i} ln r_ij - 2 ln cosh y_ij. Of a correlation matrix Ω = L Lᵀ it is greater by
// Σ_j (K - j) ln L_jj, for ∂Ω_ij/∂L_ij = L_jj, j < i.
template <class T>
T cholesky_corr(bool of_product, std::size_t size, std::span<const T> y, std::span<T> l) {
  using std::exp;
  using std::tanh;
  T log_det = T(0);
  const T* next = y.data();
  for (std::size_t i = 0; i < size; ++i) {
    T log_r = T(0);
    for (std::size_t j = 0; j < i; ++j) {
      const T x = *next++;
      l[i + size * j] = tanh(x) * exp(log_r);
      const T step = log_sech(x);
      log_det += log_r + T(2) * step;
      log_r += step;
    }
    l[i + size * i] = exp(log_r);
    for (std::size_t j = i + 1; j < size; ++j) l[i + size * j] = T(0);
    if (of_product) log_det += T(static_cast<double>(size - 1 - i)) * log_r;
  }
  return log_det;
}
/// l is that of y. With m_ij = ln r_ij, backwards from m̄_ii = L̄_ii L_ii + w (K - i)[of a product]:
/// ȳ_ij = L̄_ij r_ij/cosh² y_ij - tanh(y_ij) (m̄_{i,j+1} + 2 w),  m̄_ij = m̄_{i,j+1} + L̄_ij L_ij + w.
inline void cholesky_corr_adjoint(bool of_product, std::size_t size, std::span<const double> y,
                                  std::span<const double> l, std::span<const double> l_bar,
                                  double w, std::span<double> y_bar) {
  std::vector<double> log_r(size);
  std::size_t start = 0;  // of the row, in y
  for (std::size_t i = 0; i < size; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < i; ++j) {
      log_r[j] = sum;
      sum += log_sech(y[start + j]);
    }
    double m_bar = l_bar[i + size * i] * l[i + size * i];
    if (of_product) m_bar += w * static_cast<double>(size - 1 - i);
    for (std::size_t j = i; j-- > 0;) {
      const double x = y[start + j];
      const double at = l_bar[i + size * j];
      y_bar[start + j] = at * std::exp(log_r[j] + 2 * log_sech(x)) - std::tanh(x) * (m_bar + 2 * w);
      m_bar += at * l[i + size * j] + w;
    }
    start += i;
  }
}
/// sinh y_ij = L_ij/r_{i,j+1}, and r_{i,j+1} is the length of the row from j+1 on.
inline void cholesky_corr_inverse(std::size_t size, std::span<const double> l,
                                  std::span<double> y) {
  std::size_t start = 0;
  for (std::size_t i = 0; i < size; ++i) {
    double length = l[i + size * i];
    if (!(length > 0)) length = std::nan("");
    for (std::size_t j = i; j-- > 0;) {
      const double x = l[i + size * j];
      y[start + j] = std::asinh(x / length);
      length = std::hypot(length, x);
    }
    start += i;
  }
}

// Cholesky factor of a covariance matrix: L_ij = y_ij for j < i, L_ii = e^y_ii. Of Σ = L Lᵀ,
// ln|∂Σ/∂y| = K ln 2 + Σ_i (K - i + 2) y_ii, i from 1.
template <class T>
T cholesky_cov(bool of_product, std::size_t size, std::span<const T> y, std::span<T> l) {
  using std::exp;
  T log_det = of_product ? T(static_cast<double>(size) * std::numbers::ln2) : T(0);
  const T* next = y.data();
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < i; ++j) l[i + size * j] = *next++;
    l[i + size * i] = exp(*next);
    log_det += T(of_product ? static_cast<double>(size - i + 1) : 1.0) * *next++;
    for (std::size_t j = i + 1; j < size; ++j) l[i + size * j] = T(0);
  }
  return log_det;
}
inline void cholesky_cov_adjoint(bool of_product, std::size_t size, std::span<const double> l,
                                 std::span<const double> l_bar, double w, std::span<double> y_bar) {
  double* next = y_bar.data();
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < i; ++j) *next++ = l_bar[i + size * j];
    *next++ = l_bar[i + size * i] * l[i + size * i] +
              w * (of_product ? static_cast<double>(size - i + 1) : 1.0);
  }
}
inline void cholesky_cov_inverse(std::size_t size, std::span<const double> l, std::span<double> y) {
  double* next = y.data();
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < i; ++j) *next++ = l[i + size * j];
    *next++ = std::log(l[i + size * i]);
  }
}

/// product = L Lᵀ; of a correlation matrix the diagonal is set to 1.
template <class T>
void times_transpose(bool unit_diagonal, std::size_t size, std::span<const T> l,
                     std::span<T> product) {
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      T sum = T(0);
      for (std::size_t k = 0; k <= j; ++k) sum += l[i + size * k] * l[j + size * k];
      if (unit_diagonal && i == j) sum = T(1);
      product[i + size * j] = sum;
      product[j + size * i] = sum;
    }
  }
}
/// L̄ = (P̄ + P̄ᵀ) L, the lower triangle of it.
inline void times_transpose_adjoint(bool unit_diagonal, std::size_t size, std::span<const double> l,
                                    std::span<const double> product_bar, std::span<double> l_bar) {
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (std::size_t k = j; k < size; ++k) {
        if (unit_diagonal && k == i) continue;
        sum += (product_bar[i + size * k] + product_bar[k + size * i]) * l[k + size * j];
      }
      l_bar[i + size * j] = sum;
    }
  }
}
/// l, its lower triangle, with L Lᵀ = product; NaN from where on product is not positive definite.
inline void cholesky(std::size_t size, std::span<const double> product, std::span<double> l) {
  for (std::size_t j = 0; j < size; ++j) {
    for (std::size_t i = j; i < size; ++i) {
      double sum = product[i + size * j];
      for (std::size_t k = 0; k < j; ++k) sum -= l[i + size * k] * l[j + size * k];
      l[i + size * j] = i == j ? (sum > 0 ? std::sqrt(sum) : std::nan("")) : sum / l[j + size * j];
    }
  }
}

}  // namespace riffle::transforms
