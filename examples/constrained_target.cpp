// Fits a model whose parameters have constraints: counts in three classes, with a uniform prior on
// their probabilities, and normal observations of unknown scale.
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <span>
#include <vector>

#include "riffle/riffle.h"

namespace {

/// ln p of θ = (p_1, p_2, p_3, sigma): Σ n_k ln p_k + Σ ln N(x; 0, sigma²) - sigma.
double log_posterior(std::span<const double> theta, std::span<double> gradient) {
  constexpr std::array<double, 3> counts{12, 5, 3};
  constexpr std::array<double, 4> observed{1.2, -0.4, 2.1, 0.3};
  double sum = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    sum += counts[k] * std::log(theta[k]);
    gradient[k] = counts[k] / theta[k];
  }
  const double sigma = theta[3];
  sum -= sigma;
  gradient[3] = -1;
  for (const double x : observed) {
    sum -= 0.5 * x * x / (sigma * sigma) + std::log(sigma) + 0.5 * std::log(2 * std::numbers::pi);
    gradient[3] += x * x / (sigma * sigma * sigma) - 1 / sigma;
  }
  return sum;
}

}  // namespace

int main() {
  using riffle::Constraint;
  const auto target = riffle::make_constrained_target(
      {{"p", {3}, Constraint::simplex()}, {"sigma", {}, Constraint::lower(0)}}, log_posterior);

  riffle::Spec spec;
  spec.flow.layers = "planar:8";
  spec.objective.name = "free-energy";
  spec.run.iterations = 3000;
  const riffle::FitReport report = riffle::fit(spec, *target);

  // Means of the parameters themselves, over the draws.
  const auto names = target->parameter_names();
  const std::size_t n = report.draws.z.size() / target->dim();
  std::vector<double> theta(names.size());
  std::vector<double> mean(names.size());
  for (std::size_t s = 0; s < n; ++s) {
    target->constrain(std::span(report.draws.z).subspan(s * target->dim(), target->dim()), theta);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += theta[i] / static_cast<double>(n);
  }
  std::printf("log evidence above %.3f ± %.3f\n", report.elbo, report.elbo_se);
  for (std::size_t i = 0; i < mean.size(); ++i) {
    std::printf("%-8s %.3f\n", names[i].c_str(), mean[i]);  // of p: (n_k + 1)/23
  }
}
