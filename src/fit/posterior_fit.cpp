#include "fit/posterior_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "fit/gradient_warning.h"
#include "fit/training.h"
#include "fit/warnings.h"
#include "posterior/assessment.h"
#include "posterior/deadline.h"
#include "posterior/draw_values.h"
#include "posterior/starts.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

StopReason stop_reason(bool interrupted, bool out_of_budget) {
  if (interrupted) return StopReason::interrupted;
  return out_of_budget ? StopReason::out_of_budget : StopReason::completed;
}

/// What a run does after its last draws, in seconds.
struct Finish {
  double values = 0;  ///< figures of parameters and generated quantities
  double files = 0;   ///< draws and pictures
};

/// What it is going to take, by what a few draws take, and no more than a part of the limit.
Finish foretold_finish(const Spec& spec, const Target& target) {
  using Clock = std::chrono::steady_clock;
  constexpr double picture_seconds = 1;
  constexpr double seconds_for_a_value = 4e-7;  // to sort it, or to write it down
  constexpr double most_of_limit = 0.15;        // each
  constexpr int tries = 4;
  if (std::isinf(spec.run.max_seconds)) return {};
  DrawValues plain(target, std::nullopt);
  DrawValues with_generated(target, spec.run.seed);
  const std::vector<double> origin(target.dim(), 0.0);
  const auto seconds_of = [&](DrawValues& values) {
    std::vector<double> row(values.names().size());
    const auto start = Clock::now();
    for (int i = 0; i < tries; ++i) values.next(origin, row);
    return std::chrono::duration<double>(Clock::now() - start).count() / tries +
           seconds_for_a_value * static_cast<double>(row.size());
  };
  const auto judged = static_cast<double>(assessment_options(spec).all_draws() - spec.run.draws);
  const auto kept = static_cast<double>(spec.run.draws);
  const double most = most_of_limit * spec.run.max_seconds;
  const double files =
      kept * seconds_for_a_value * static_cast<double>(with_generated.names().size()) +
      (spec.run.plots ? picture_seconds : 0);
  return {std::min(most, judged * seconds_of(plain) + kept * seconds_of(with_generated)),
          std::min(most, files)};
}

}  // namespace

FitReport posterior_fit(const Spec& spec, const Target& target, const FitCallbacks& callbacks,
                        const FitHooks& hooks) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const UserDensity plain(target);
  const MeteredDensity density(plain, callbacks.calls);
  Executor executor(threads_of(spec, target));

  const auto finish = foretold_finish(spec, target);
  const double before = std::chrono::duration<double>(Clock::now() - hooks.began).count();
  const Deadline deadline(callbacks.stop, spec.run.max_seconds - before - finish.files);
  auto judged = assessment_options(spec);
  judged.deadline = &deadline;
  judged.seconds_for_values = finish.values;

  const auto wrong_gradient = gradient_warning(spec, target, density, callbacks);
  const auto starts =
      fit_from_starts(spec, target, density, executor, callbacks, hooks.on_flow, judged);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const auto& [fit, weighed, told] = starts.kept;
  auto assessed =
      assess(*fit.flow.model, fit.flow.params, target, density, weighed, judged, executor);
  auto& posterior = assessed.report;
  const bool cut =
      posterior.draws < judged.draws ||
      (posterior.draws_by == DrawsBy::flow && assessed.kept.log_q.size() < judged.kept_draws);
  const bool interrupted = fit.interrupted || (cut && deadline.stopped());
  posterior.out_of_budget = !interrupted && (fit.out_of_budget || cut);
  posterior.starts = starts.all;
  posterior.stages = starts.stages;
  posterior.trace = starts.trace;
  posterior.climbs = fit.search.climbs;
  posterior.modes = fit.search.modes.size();
  add_cost(posterior, spent_on(target, density, hooks.earlier),
           std::chrono::duration<double>(Clock::now() - start).count());

  FitReport report{
      {
          .target = target.name(),
          .stop_reason = stop_reason(interrupted, posterior.out_of_budget),
          .iterations = starts.steps,
          .threads = executor.threads(),
          .simd = std::string(InstructionSet::parse(spec.run.simd).name()),
          .seconds = hooks.earlier.seconds + seconds,
          .us_per_iteration =
              starts.steps == 0 ? 0 : 1e6 * seconds / static_cast<double>(starts.steps),
          .bound = -posterior.elbo,
          .bound_se = posterior.elbo_se,
          .elbo = posterior.elbo,
          .elbo_se = posterior.elbo_se,
          .log_z_true = target.log_z(),
          .evaluations = posterior.gradients,
          .failed_evaluations = posterior.failed_evaluations,
          .first_failure = posterior.first_failure,
          .target_description = target.description(),
          .posterior = std::move(posterior),
      },
      trained_flow(fit.flow),
      {assessed.kept.dim, std::move(assessed.kept.z), std::move(assessed.kept.log_q)},
      std::move(assessed.kept.log_p),
      1,
      {},
      {},
      {},
  };
  if (report.log_z_true) {
    report.kl = *report.log_z_true - report.elbo;
    report.kl_se = report.elbo_se;
  }
  if (!wrong_gradient.empty()) report.warnings.push_back(wrong_gradient);
  if (spec.run.resample == Resampling::psis && !report.posterior->resampled) {
    report.warnings.emplace_back(
        "the draws are not resampled: their weights are carried by too few of them");
  }
  const auto kept = report.draws.log_q.size();
  add_generation_warning(report.warnings, report.posterior->failed_generations, kept);
  add_missing_warning(report.warnings, report.posterior->missing_values, kept);
  warn_of_one_thread(report, spec, target);
  if (kept < spec.run.draws) {
    report.warnings.push_back(fmt::format("{} did for {} draws, not for the {} of run.draws",
                                          interrupted ? "the time until the stop"
                                          : report.posterior->draws_by == DrawsBy::sampler
                                              ? "the sampler's chains"
                                              : "the budget",
                                          kept, spec.run.draws));
  }
  return report;
}

}  // namespace riffle
