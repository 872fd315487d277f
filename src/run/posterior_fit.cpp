#include "run/posterior_fit.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "flows/flow_model.h"
#include "run/assessment.h"
#include "run/gradient_warning.h"
#include "run/starts.h"
#include "run/training.h"
#include "run/warnings.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

std::string stop_reason(const StagedFit& fit) {
  if (fit.interrupted) return "interrupted";
  return fit.out_of_budget ? "out-of-budget" : "completed";
}

}  // namespace

FitReport posterior_fit(const Spec& spec, const Target& target, const FitCallbacks& callbacks,
                        const FitHooks& hooks) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const UserDensity plain(target);
  const MeteredDensity density(plain, callbacks.calls);
  Executor executor(threads_of(spec, target));

  const auto wrong_gradient = gradient_warning(spec, target, density, callbacks);
  const auto starts = fit_from_starts(spec, target, density, executor, callbacks, hooks);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const auto& [fit, model, weighed, told] = starts.kept;
  auto assessed =
      assess(model, fit.flow.params, target, density, weighed, assessment_options(spec), executor);
  auto& posterior = assessed.report;
  posterior.out_of_budget = fit.out_of_budget;  // not where it was interrupted
  posterior.starts = starts.all;
  posterior.stages = starts.stages;
  posterior.trace = starts.trace;
  posterior.climbs = fit.search.climbs;
  posterior.modes = fit.search.modes.size();
  add_cost(posterior, target, density, std::chrono::duration<double>(Clock::now() - start).count());

  FitReport report{
      .target = target.name(),
      .stop_reason = stop_reason(fit),
      .iterations = starts.steps,
      .threads = executor.threads(),
      .simd = std::string(InstructionSet::parse(spec.run.simd).name()),
      .seconds = seconds,
      .us_per_iteration = starts.steps == 0 ? 0 : 1e6 * seconds / static_cast<double>(starts.steps),
      .bound = -posterior.elbo,
      .bound_se = posterior.elbo_se,
      .elbo = posterior.elbo,
      .elbo_se = posterior.elbo_se,
      .log_z_true = target.log_z(),
      .kl = {},
      .kl_se = {},
      .log_likelihood = {},
      .log_likelihood_se = {},
      .evaluations = posterior.gradients,
      .failed_evaluations = posterior.failed_evaluations,
      .first_failure = posterior.first_failure,
      .target_description = target.description(),
      .warnings = {},
      .posterior = std::move(posterior),
      .flow = TrainedFlow(fit.flow),
      .draws = {assessed.kept.dim, std::move(assessed.kept.z), std::move(assessed.kept.log_q)},
      .log_p = std::move(assessed.kept.log_p),
      .losses = {},
      .snapshots = {},
  };
  if (report.log_z_true) {
    report.kl = *report.log_z_true - report.elbo;
    report.kl_se = report.elbo_se;
  }
  if (!wrong_gradient.empty()) report.warnings.push_back(wrong_gradient);
  if (spec.run.resample == "psis" && !report.posterior->resampled) {
    report.warnings.emplace_back(
        "the draws are not resampled: their weights are carried by too few of them");
  }
  const auto kept = report.draws.log_q.size();
  add_generation_warning(report.warnings, report.posterior->failed_generations, kept);
  add_missing_warning(report.warnings, report.posterior->missing_values, kept);
  warn_of_one_thread(report, spec, target);
  if (kept < spec.run.draws) {
    report.warnings.push_back(fmt::format(
        "the budget did for {} draws, not for the {} of run.draws", kept, spec.run.draws));
  }
  return report;
}

}  // namespace riffle
