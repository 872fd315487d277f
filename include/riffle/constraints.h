#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "riffle/target.h"

namespace riffle {

/// The space that a parameter lives on, and with it the map from unconstrained values y. The maps,
/// and the order of y, are those of Stan ("Constraint Transforms" in the Stan Reference Manual, as
/// it stands up to version 2.36: the simplex by stick-breaking). docs/targets.md has the formulas.
class Constraint {
 public:
  enum class Kind {
    real,
    lower,             ///< θ > lower
    upper,             ///< θ < upper
    interval,          ///< lower < θ < upper
    simplex,           ///< θ_k > 0, Σ θ_k = 1
    ordered,           ///< θ_1 < θ_2 < ...
    positive_ordered,  ///< 0 < θ_1 < θ_2 < ...
    cholesky_corr,     ///< lower triangular, rows of length 1, a positive diagonal
    corr_matrix,       ///< positive definite with a diagonal of ones
    cholesky_cov,      ///< lower triangular with a positive diagonal
    cov_matrix,        ///< positive definite
  };

  static Constraint real() { return {Kind::real, 0, 0}; }
  static Constraint lower(double bound) { return {Kind::lower, bound, 0}; }
  static Constraint upper(double bound) { return {Kind::upper, 0, bound}; }
  static Constraint interval(double low, double high) { return {Kind::interval, low, high}; }
  static Constraint simplex() { return {Kind::simplex, 0, 0}; }
  static Constraint ordered() { return {Kind::ordered, 0, 0}; }
  static Constraint positive_ordered() { return {Kind::positive_ordered, 0, 0}; }
  static Constraint cholesky_corr() { return {Kind::cholesky_corr, 0, 0}; }
  static Constraint corr_matrix() { return {Kind::corr_matrix, 0, 0}; }
  static Constraint cholesky_cov() { return {Kind::cholesky_cov, 0, 0}; }
  static Constraint cov_matrix() { return {Kind::cov_matrix, 0, 0}; }

  Kind kind() const { return kind_; }
  double low() const { return low_; }    ///< of lower and interval
  double high() const { return high_; }  ///< of upper and interval

 private:
  Constraint(Kind kind, double low, double high) : kind_(kind), low_(low), high_(high) {}

  Kind kind_;
  double low_;
  double high_;
};

/// A parameter of a model. Its values θ are laid out in column-major order.
struct Parameter {
  std::string name;
  /// {} for one number. The constraints on single numbers (real, lower, upper, interval) hold for
  /// every element of any shape; simplices and ordered vectors have shape {K}, matrices {K, K}. A
  /// size may be 0, but for that of a simplex: then the parameter is empty.
  std::vector<std::size_t> shape;
  Constraint constraint = Constraint::real();
};

/// How many numbers θ are. Like all functions here it throws Error{usage} for a shape that the
/// constraint cannot have, for bounds that leave no room or are not finite, and for spans of other
/// sizes than these.
std::size_t constrained_size(const Parameter& parameter);

/// How many numbers y are.
std::size_t unconstrained_size(const Parameter& parameter);

/// theta[constrained_size], overwritten, from y[unconstrained_size]; gives ln|∂θ/∂y|, where of a
/// simplex the last element counts as a function of the others, and of a matrix those below the
/// diagonal (and on it, where it is free) are counted. The logarithm is finite for any |y| up to
/// 700. NaN in gives NaN out.
double constrain(const Parameter& parameter, std::span<const double> y, std::span<double> theta);

/// The inverse: y, overwritten, from theta. Of a matrix only the lower triangle is read. Where
/// theta does not fulfil the constraint some of y are not finite.
void unconstrain(const Parameter& parameter, std::span<const double> theta, std::span<double> y);

/// The adjoint of `constrain` at y: y_bar = (∂θ/∂y)ᵀ theta_bar + weight ∂ln|∂θ/∂y|/∂y, overwritten.
/// theta_bar holds the derivative by every element of θ as if they were independent; what stands
/// where θ is constant (above the diagonal of a Cholesky factor, on that of a correlation matrix)
/// is ignored.
void constrain_adjoint(const Parameter& parameter, std::span<const double> y,
                       std::span<const double> theta_bar, double weight, std::span<double> y_bar);

/// A log density on the declared parameters, all of them one after the other, as a target on R^n:
///
///   ln p(z) = log_density(θ(z)) + ln|∂θ/∂z|
///
/// The gradient that log_density writes is that by θ, as for constrain_adjoint. parameter_names()
/// are those of Stan, such as sigma, theta.3, L.2.1, and constrain() gives θ. Where θ overflows,
/// log_density is not called and ln p is NaN. log_z is ln ∫p over the space of θ, which is the same
/// over z. Throws Error{usage} for names that are empty, twice there or hold a comma, a quote or a
/// control character, and where there is nothing to vary.
std::unique_ptr<Target> make_constrained_target(std::vector<Parameter> parameters,
                                                LogDensity log_density,
                                                std::optional<double> log_z = std::nullopt);

}  // namespace riffle
