#pragma once

#include <cassert>
#include <span>
#include <vector>

#include "riffle/constraints.h"
#include "targets/matrix_transforms.h"
#include "targets/vector_transforms.h"

namespace riffle {

/// `constrain` over T = double or Dual.
template <class T>
T constrain_as(const Parameter& parameter, std::span<const T> y, std::span<T> theta) {
  using Kind = Constraint::Kind;
  assert(y.size() == unconstrained_size(parameter) && theta.size() == constrained_size(parameter));
  const auto& c = parameter.constraint;
  T log_det = T(0);
  switch (c.kind()) {
    case Kind::real:
      for (std::size_t i = 0; i < y.size(); ++i) theta[i] = y[i];
      return log_det;
    case Kind::lower:
      for (std::size_t i = 0; i < y.size(); ++i) {
        log_det += transforms::half_line(c.low(), 1, y[i], theta[i]);
      }
      return log_det;
    case Kind::upper:
      for (std::size_t i = 0; i < y.size(); ++i) {
        log_det += transforms::half_line(c.high(), -1, y[i], theta[i]);
      }
      return log_det;
    case Kind::interval:
      for (std::size_t i = 0; i < y.size(); ++i) {
        log_det += transforms::interval(c.low(), c.high(), y[i], theta[i]);
      }
      return log_det;
    case Kind::simplex:
      return transforms::simplex(y, theta);
    case Kind::ordered:
    case Kind::positive_ordered:
      return transforms::ordered(c.kind() == Kind::positive_ordered, y, theta);
    case Kind::cholesky_corr:
      return transforms::cholesky_corr(false, parameter.shape[0], y, theta);
    case Kind::cholesky_cov:
      return transforms::cholesky_cov(false, parameter.shape[0], y, theta);
    case Kind::corr_matrix:
    case Kind::cov_matrix: {
      const bool corr = c.kind() == Kind::corr_matrix;
      const std::size_t size = parameter.shape[0];
      std::vector<T> l(size * size);
      log_det = corr ? transforms::cholesky_corr<T>(true, size, y, l)
                     : transforms::cholesky_cov<T>(true, size, y, l);
      transforms::times_transpose<T>(corr, size, l, theta);
      return log_det;
    }
  }
  return log_det;
}

}  // namespace riffle
