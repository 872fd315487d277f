// A target of one's own, Rosenbrock's banana as an unnormalised log density, and a flow fitted to
// it.
#include <cmath>
#include <cstdio>
#include <numbers>
#include <span>

#include "riffle/riffle.h"

namespace {

/// ln p(z) = -½ z1² - ½ ((z2 - z1²)/0.5)², and its gradient.
double banana(std::span<const double> z, std::span<double> gradient) {
  const double precision = 1 / (0.5 * 0.5);
  const double off = z[1] - z[0] * z[0];
  gradient[0] = -z[0] + 2 * z[0] * off * precision;
  gradient[1] = -off * precision;
  return -0.5 * z[0] * z[0] - 0.5 * off * off * precision;
}

}  // namespace

int main() {
  // The integral is known here: 2π · 0.5. Leave it out where it is not.
  const double log_z = std::log(std::numbers::pi);
  const auto target = riffle::make_target(2, banana, log_z);

  riffle::Spec spec;
  spec.flow.layers = "planar:24";
  const riffle::FitReport report = riffle::fit(spec, *target);

  std::printf("%llu iterations in %.2f s\n", static_cast<unsigned long long>(report.iterations),
              report.seconds);
  std::printf("ELBO %.4f ± %.4f (log Z = %.4f)\n", report.elbo, report.elbo_se, log_z);
  std::printf("first draw: %.4f %.4f, with log density %.4f\n", report.draws.z[0],
              report.draws.z[1], report.draws.log_q[0]);
}
