#include "run/posterior_fit.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "flows/flow_model.h"
#include "posterior/staged_fit.h"
#include "run/assessment.h"
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
  const auto set = InstructionSet::parse(spec.run.simd);
  const UserDensity plain(target);
  const MeteredDensity density(plain, callbacks.calls);
  Executor executor(threads_of(spec, target));

  StagedOptions options;
  options.seed = spec.run.seed;
  options.max_seconds = spec.run.max_seconds;
  options.max_gradients = spec.run.max_gradients;
  options.final_draws = spec.run.evaluation_draws + spec.run.draws;
  options.set = set;
  options.interrupted = [&] {
    return callbacks.stop != nullptr && callbacks.stop->load(std::memory_order_relaxed);
  };
  const auto fit = staged_fit(density, options, executor, [&](const StagedFit& so_far) {
    if (hooks.on_flow && !so_far.flow.layers.empty()) hooks.on_flow(TrainedFlow(so_far.flow));
    if (callbacks.on_stage) callbacks.on_stage(so_far.stages.back());
  });
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();

  const auto model =
      make_model<double>(fit.flow.base, parse_flow(fit.flow.layers), {fit.flow.dim, 0, set});
  VerdictEvidence known;
  known.budget_exhausted = fit.out_of_budget || fit.interrupted;
  known.modes_left_out = !fit.covers(fit.elbo);  // a scale for p is all that is needed
  // Of several modes, those that a flow over all coordinates covers without having been told of
  // them are not unseen.
  const std::size_t modes = fit.search.modes.size();
  if (modes == 1 || (modes > 1 && fit.flow.base != "standard-normal")) {
    known.unseen_modes = fit.search.unseen();
  }
  auto assessing = assessment_options(spec);
  assessing.budget = fit.budget;
  auto assessed =
      assess(model, fit.flow.params, target, density, std::move(known), assessing, executor);
  auto& posterior = assessed.report;
  posterior.out_of_budget = fit.out_of_budget;  // not where it was interrupted
  posterior.stages = fit.stages;
  posterior.trace = fit.trace;
  posterior.climbs = fit.search.climbs;
  posterior.modes = fit.search.modes.size();
  add_cost(posterior, target, density, std::chrono::duration<double>(Clock::now() - start).count());

  FitReport report{
      .target = target.name(),
      .stop_reason = stop_reason(fit),
      .iterations = fit.steps,
      .threads = executor.threads(),
      .simd = std::string(set.name()),
      .seconds = seconds,
      .us_per_iteration = fit.steps == 0 ? 0 : 1e6 * seconds / static_cast<double>(fit.steps),
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
  if (spec.run.resample == "psis" && !report.posterior->resampled) {
    report.warnings.emplace_back(
        "the draws are not resampled: their weights are carried by too few of them");
  }
  warn_of_one_thread(report, spec, target);
  if (const auto kept = report.draws.log_q.size(); kept < spec.run.draws) {
    report.warnings.push_back(fmt::format(
        "the budget did for {} draws, not for the {} of run.draws", kept, spec.run.draws));
  }
  return report;
}

}  // namespace riffle
