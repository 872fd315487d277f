#include "targets/constraints.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "riffle/error.h"

namespace riffle {
namespace {

using Kind = Constraint::Kind;

bool is_matrix(Kind kind) {
  return kind == Kind::cholesky_corr || kind == Kind::corr_matrix || kind == Kind::cholesky_cov ||
         kind == Kind::cov_matrix;
}

bool is_vector(Kind kind) {
  return kind == Kind::simplex || kind == Kind::ordered || kind == Kind::positive_ordered;
}

void check(const Parameter& parameter) {
  const auto bad = [&](const std::string& why) {
    return Error(ErrorKind::usage, fmt::format("parameter {}: {}", parameter.name, why));
  };
  const auto& c = parameter.constraint;
  const auto& shape = parameter.shape;
  if (is_vector(c.kind()) && shape.size() != 1) {
    throw bad(fmt::format("a vector has one size, not {}", shape.size()));
  }
  if (c.kind() == Kind::simplex && shape[0] == 0) {
    throw bad("a simplex has 1 element or more, not 0");
  }
  if (is_matrix(c.kind()) && !(shape.size() == 2 && shape[0] == shape[1])) {
    throw bad("a matrix needs two sizes, one like the other");
  }
  if (c.kind() == Kind::lower && !std::isfinite(c.low())) {
    throw bad(fmt::format("its lower bound is {}, but must be finite", c.low()));
  }
  if (c.kind() == Kind::upper && !std::isfinite(c.high())) {
    throw bad(fmt::format("its upper bound is {}, but must be finite", c.high()));
  }
  if (c.kind() == Kind::interval && !(c.low() < c.high() && std::isfinite(c.high() - c.low()))) {
    throw bad(
        fmt::format("its bounds are {} and {}, but must be finite and leave room between them",
                    c.low(), c.high()));
  }
}

void check_size(const Parameter& parameter, const char* what, std::size_t given,
                std::size_t right) {
  if (given == right) return;
  throw Error(
      ErrorKind::usage,
      fmt::format("parameter {}: {} has {} {}, but there {} {}", parameter.name, what, given,
                  given == 1 ? "element" : "elements", right == 1 ? "is" : "are", right));
}

}  // namespace

std::size_t constrained_size(const Parameter& parameter) {
  check(parameter);
  std::size_t all = 1;
  for (const auto size : parameter.shape) {
    if (size > 0 && all > std::numeric_limits<std::uint32_t>::max() / size) {
      throw Error(ErrorKind::usage,
                  fmt::format("parameter {}: its shape is too large", parameter.name));
    }
    all *= size;
  }
  return all;
}

std::size_t unconstrained_size(const Parameter& parameter) {
  const std::size_t all = constrained_size(parameter);
  switch (parameter.constraint.kind()) {
    case Kind::simplex:
      return all - 1;
    case Kind::cholesky_corr:
    case Kind::corr_matrix:
      return all == 0 ? 0 : parameter.shape[0] * (parameter.shape[0] - 1) / 2;
    case Kind::cholesky_cov:
    case Kind::cov_matrix:
      return parameter.shape[0] * (parameter.shape[0] + 1) / 2;
    default:
      return all;
  }
}

double constrain(const Parameter& parameter, std::span<const double> y, std::span<double> theta) {
  check_size(parameter, "y", y.size(), unconstrained_size(parameter));
  check_size(parameter, "theta", theta.size(), constrained_size(parameter));
  return constrain_as<double>(parameter, y, theta);
}

void unconstrain(const Parameter& parameter, std::span<const double> theta, std::span<double> y) {
  check_size(parameter, "theta", theta.size(), constrained_size(parameter));
  check_size(parameter, "y", y.size(), unconstrained_size(parameter));
  const auto& c = parameter.constraint;
  switch (c.kind()) {
    case Kind::real:
      for (std::size_t i = 0; i < y.size(); ++i) y[i] = theta[i];
      break;
    case Kind::lower:
      for (std::size_t i = 0; i < y.size(); ++i) {
        y[i] = transforms::half_line_inverse(c.low(), 1, theta[i]);
      }
      break;
    case Kind::upper:
      for (std::size_t i = 0; i < y.size(); ++i) {
        y[i] = transforms::half_line_inverse(c.high(), -1, theta[i]);
      }
      break;
    case Kind::interval:
      for (std::size_t i = 0; i < y.size(); ++i) {
        y[i] = transforms::interval_inverse(c.low(), c.high(), theta[i]);
      }
      break;
    case Kind::simplex:
      transforms::simplex_inverse(theta, y);
      break;
    case Kind::ordered:
    case Kind::positive_ordered:
      transforms::ordered_inverse(c.kind() == Kind::positive_ordered, theta, y);
      break;
    case Kind::cholesky_corr:
      transforms::cholesky_corr_inverse(parameter.shape[0], theta, y);
      break;
    case Kind::cholesky_cov:
      transforms::cholesky_cov_inverse(parameter.shape[0], theta, y);
      break;
    case Kind::corr_matrix:
    case Kind::cov_matrix: {
      std::vector<double> l(theta.size());
      transforms::cholesky(parameter.shape[0], theta, l);
      if (c.kind() == Kind::corr_matrix) {
        transforms::cholesky_corr_inverse(parameter.shape[0], l, y);
      } else {
        transforms::cholesky_cov_inverse(parameter.shape[0], l, y);
      }
      break;
    }
  }
}

void constrain_adjoint(const Parameter& parameter, std::span<const double> y,
                       std::span<const double> theta_bar, double weight, std::span<double> y_bar) {
  check_size(parameter, "y", y.size(), unconstrained_size(parameter));
  check_size(parameter, "theta_bar", theta_bar.size(), constrained_size(parameter));
  check_size(parameter, "y_bar", y_bar.size(), y.size());
  const auto& c = parameter.constraint;
  switch (c.kind()) {
    case Kind::real:
      for (std::size_t i = 0; i < y.size(); ++i) y_bar[i] = theta_bar[i];
      break;
    case Kind::lower:
    case Kind::upper:
      for (std::size_t i = 0; i < y.size(); ++i) {
        const double sign = c.kind() == Kind::lower ? 1 : -1;
        y_bar[i] = transforms::half_line_adjoint(sign, y[i], theta_bar[i], weight);
      }
      break;
    case Kind::interval:
      for (std::size_t i = 0; i < y.size(); ++i) {
        y_bar[i] = transforms::interval_adjoint(c.low(), c.high(), y[i], theta_bar[i], weight);
      }
      break;
    case Kind::simplex: {
      std::vector<double> theta(theta_bar.size());
      transforms::simplex<double>(y, theta);
      transforms::simplex_adjoint(y, theta, theta_bar, weight, y_bar);
      break;
    }
    case Kind::ordered:
    case Kind::positive_ordered:
      transforms::ordered_adjoint(c.kind() == Kind::positive_ordered, y, theta_bar, weight, y_bar);
      break;
    default: {
      const bool corr = c.kind() == Kind::cholesky_corr || c.kind() == Kind::corr_matrix;
      const bool product = c.kind() == Kind::corr_matrix || c.kind() == Kind::cov_matrix;
      const std::size_t size = parameter.shape[0];
      std::vector<double> l(theta_bar.size());
      std::vector<double> l_bar;
      if (corr) {
        transforms::cholesky_corr<double>(product, size, y, l);
      } else {
        transforms::cholesky_cov<double>(product, size, y, l);
      }
      if (product) {
        l_bar.resize(l.size());
        transforms::times_transpose_adjoint(corr, size, l, theta_bar, l_bar);
        theta_bar = l_bar;
      }
      if (corr) {
        transforms::cholesky_corr_adjoint(product, size, y, l, theta_bar, weight, y_bar);
      } else {
        transforms::cholesky_cov_adjoint(product, size, l, theta_bar, weight, y_bar);
      }
    }
  }
}

}  // namespace riffle
