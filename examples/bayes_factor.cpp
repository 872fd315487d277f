// Compares two models of six numbers by their evidences: are they scattered around 0, or around a
// mean that is not known? No gradient is written, and priors are normalised, as they must be.
#include <cmath>
#include <cstdio>
#include <numbers>

#include "riffle/riffle.h"

namespace {

constexpr double data[] = {1.1, 0.4, 1.9, 0.2, 1.3, 0.9};

/// ln of the normal density, with its constants.
template <class X, class M, class S>
auto normal_lpdf(X x, M mean, S sd) {
  using std::log;
  const auto z = (x - mean) / sd;
  return -0.5 * z * z - log(sd) - 0.5 * std::log(2 * std::numbers::pi);
}

/// A scale s = e^z around 1, and with it the data around 0.
const auto around_zero = [](auto z) {
  const auto scale = exp(z[0]);
  auto log_p = normal_lpdf(z[0], 0.0, 1.0);  // of ln s: no Jacobian is needed
  for (const double y : data) log_p += normal_lpdf(y, 0.0, scale);
  return log_p;
};

/// The same around a mean, which is N(0, 2²) before the data.
const auto around_mean = [](auto z) {
  const auto scale = exp(z[0]);
  auto log_p = normal_lpdf(z[0], 0.0, 1.0) + normal_lpdf(z[1], 0.0, 2.0);
  for (const double y : data) log_p += normal_lpdf(y, z[1], scale);
  return log_p;
};

}  // namespace

int main() {
  auto spec = riffle::posterior_spec();
  spec.run.plots = false;
  const auto zero =
      riffle::fit(spec, *riffle::make_target(1, riffle::automatic_gradient(around_zero)));
  const auto mean =
      riffle::fit(spec, *riffle::make_target(2, riffle::automatic_gradient(around_mean)));
  const double log_factor = mean.posterior->log_z - zero.posterior->log_z;
  const double error = std::hypot(mean.posterior->log_z_se, zero.posterior->log_z_se);
  std::printf("ln of the Bayes factor: %.3f ± %.3f\n", log_factor, error);
  std::printf("the data are %.2f times as probable with a mean of their own\n",
              std::exp(log_factor));
}
