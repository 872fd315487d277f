// Fits a posterior of one's own with no settings: evidence, verdict and parameters.
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <span>

#include "riffle/riffle.h"

namespace {

/// Waiting times of a Weibull distribution of unknown shape and scale, whose logarithms z have
/// normal priors: ln p of both, with every constant, so that its integral is the evidence.
double log_posterior(std::span<const double> z, std::span<double> gradient) {
  constexpr std::array<double, 8> times{0.3, 1.9, 0.8, 2.6, 1.2, 0.5, 3.4, 1.1};
  const double shape = std::exp(z[0]);
  double sum = -std::log(2 * std::numbers::pi) - 0.5 * (z[0] * z[0] + z[1] * z[1]);
  gradient[0] = -z[0];
  gradient[1] = -z[1];
  for (const double t : times) {
    const double u = std::log(t) - z[1];
    const double hazard = std::exp(shape * u);
    sum += z[0] + shape * u - std::log(t) - hazard;
    gradient[0] += 1 + shape * u * (1 - hazard);
    gradient[1] += shape * (hazard - 1);
  }
  return sum;
}

}  // namespace

int main() {
  const auto target = riffle::make_target(2, log_posterior);

  riffle::Spec spec = riffle::posterior_spec();
  spec.run.seed = 7;
  riffle::FitCallbacks callbacks;
  callbacks.on_stage = [](const riffle::PosteriorStage& stage) {
    std::printf("%-8s %s\n", stage.name.c_str(), stage.told.c_str());
  };
  const riffle::FitReport report = riffle::fit(spec, *target, callbacks);

  const riffle::PosteriorReport& posterior = *report.posterior;
  std::printf("\nlog Z %.4f ± %.4f\n", posterior.log_z, posterior.log_z_se);
  std::printf("verdict %s\n", std::string(riffle::name_of(posterior.verdict)).c_str());
  for (const auto& reason : posterior.verdict_reasons) std::printf("  %s\n", reason.c_str());
  for (const auto& parameter : posterior.parameters) {
    std::printf("%-4s %8.4f, sd %.4f, 90 %% in (%.3f, %.3f)\n", parameter.name.c_str(),
                parameter.mean, parameter.sd, parameter.q5, parameter.q95);
  }
}
