#include "targets/eight_schools.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "targets/target_kernels.h"

namespace riffle {
namespace {

constexpr std::array<double, 8> effects{28, 8, -3, 7, -1, 1, 18, 12};
constexpr std::array<double, 8> errors{15, 10, 16, 11, 9, 11, 10, 18};

struct EightSchoolsSettings {
  bool centred;
  std::array<double, 8> y;
  std::array<double, 8> sigma;
  double constant;
};

template <class T>
using EightSchoolsKernels = TargetKernels<T, EightSchoolsSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/eight_schools.inc"
#define RIFFLE_CLASS EightSchools
#define RIFFLE_KERNELS EightSchoolsKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

template <class T, bool centred>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  double constant =
      -8.5 * std::log(2 * std::numbers::pi) - std::log(5.0) + std::log(2 / (5 * std::numbers::pi));
  for (const double sigma : errors) constant -= std::log(sigma);
  const EightSchoolsSettings settings{centred, effects, errors, constant};
  return std::make_unique<KernelDensity<T, EightSchoolsSettings>>(10, settings,
                                                                  kernels_for<T>(options.set));
}

/// ln p(y | τ), with every θ_j and μ integrated out: y_j ~ N(μ, σ_j² + τ²), and with A, B and C the
/// sums over j of 1, y_j and y_j² over σ_j² + τ², what is left of μ is a normal of precision
/// A + 1/25 and mean B/(A + 1/25).
double log_marginal(double tau) {
  double a = 1.0 / 25;
  double b = 0;
  double sum = -std::log(5.0) - 4 * std::log(2 * std::numbers::pi);
  for (std::size_t j = 0; j < effects.size(); ++j) {
    const double variance = errors[j] * errors[j] + tau * tau;
    a += 1 / variance;
    b += effects[j] / variance;
    sum -= 0.5 * (std::log(variance) + effects[j] * effects[j] / variance);
  }
  return sum - 0.5 * std::log(a) + 0.5 * b * b / a;
}

/// What is left is an integral over ln τ of an analytic function that falls as τ towards 0 and
/// faster than 1/τ⁸ towards infinity: the trapezoid rule is exact to rounding.
std::optional<double> log_z(const TargetOptions&) {
  constexpr double step = 0.02;
  double sum = 0;
  for (int i = -2000; i <= 700; ++i) {
    const double tau = std::exp(step * i);
    sum += tau / (1 + tau * tau / 25) * std::exp(log_marginal(tau));
  }
  return std::log(step * sum * 2 / (5 * std::numbers::pi));
}

std::vector<std::string> numbered(std::string_view name) {
  std::vector<std::string> names;
  for (int j = 1; j <= 8; ++j) names.push_back(std::string(name) + "." + std::to_string(j));
  return names;
}

std::vector<std::string> centred_names(const TargetOptions&) {
  std::vector<std::string> names{"mu", "tau"};
  for (auto& name : numbered("theta")) names.push_back(std::move(name));
  return names;
}

std::vector<std::string> noncentred_names(const TargetOptions&) {
  std::vector<std::string> names{"mu", "tau"};
  for (auto& name : numbered("theta_raw")) names.push_back(std::move(name));
  for (auto& name : numbered("theta")) names.push_back(std::move(name));
  return names;
}

std::size_t ten(const TargetOptions&) {
  return 10;
}

void constrain_centred(const TargetOptions&, std::span<const double> z, std::span<double> theta) {
  std::copy(z.begin(), z.end(), theta.begin());
  theta[1] = std::exp(z[1]);
}

/// Of both: the effects, raw or not, are z themselves.
void unconstrain(const TargetOptions&, std::span<const double> theta, std::span<double> z) {
  std::copy(theta.begin(), theta.end(), z.begin());
  z[1] = std::log(theta[1]);
}

void constrain_noncentred(const TargetOptions& options, std::span<const double> z,
                          std::span<double> theta) {
  constrain_centred(options, z, theta);
  for (std::size_t j = 0; j < 8; ++j) theta[10 + j] = z[0] + theta[1] * z[2 + j];
}

}  // namespace

const TargetEntry eight_schools_entry{
    .name = "eight-schools",
    .summary = "a hierarchical model of eight effects: a funnel (Rubin 1981)",
    .default_dim = 10,
    .any_dim = false,
    .improper = false,
    .options = {},
    .log_z = &log_z,
    .make_float = &make<float, true>,
    .make_double = &make<double, true>,
    .make_dual = &make<Dual, true>,
    .posterior = true,
    .parameters = {&centred_names, &ten, &constrain_centred, &unconstrain},
};

const TargetEntry eight_schools_noncentered_entry{
    .name = "eight-schools-noncentered",
    .summary = "the same model over (theta - mu)/tau: hardly a funnel",
    .default_dim = 10,
    .any_dim = false,
    .improper = false,
    .options = {},
    .log_z = &log_z,
    .make_float = &make<float, false>,
    .make_double = &make<double, false>,
    .make_dual = &make<Dual, false>,
    .posterior = true,
    .parameters = {&noncentred_names, &ten, &constrain_noncentred, &unconstrain},
};

}  // namespace riffle
