#include "run/assessment.h"

#include <string>
#include <utility>

#include "diagnostics/importance.h"
#include "diagnostics/parameter_summary.h"
#include "diagnostics/psis.h"
#include "run/draw_values.h"

namespace riffle {
namespace {

/// The draws of these numbers, in this order.
Draws select(const Draws& draws, std::span<const std::size_t> indices) {
  Draws chosen{draws.dim, {}, {}, {}};
  for (const auto i : indices) {
    const auto* const z = &draws.z[i * draws.dim];
    chosen.z.insert(chosen.z.end(), z, z + draws.dim);
    chosen.log_q.push_back(draws.log_q[i]);
    chosen.log_p.push_back(draws.log_p[i]);
  }
  return chosen;
}

/// Figures of the values [draws][names], from the name with this number on.
void add_figures(PosteriorReport& report, const std::vector<std::string>& names, std::size_t first,
                 std::span<const double> values, std::span<const double> weights) {
  const auto figures = summarise(values, names.size(), weights);
  for (std::size_t i = first; i < names.size(); ++i) {
    const auto& f = figures[i];
    report.parameters.push_back({names[i], f.mean, f.sd, f.mcse, f.q5, f.q50, f.q95});
  }
}

/// Values of the kept draws, with generated quantities, which may be many and slow: no others have
/// them, and their figures come from these.
void add_values(Assessment& result, const Target& target, std::uint64_t seed) {
  auto& report = result.report;
  DrawValues kept(target, seed);
  report.values = kept.next(result.kept);
  report.generated_count = kept.generated_count();
  report.failed_generations = kept.failures();
  if (report.generated_count == 0) return;
  std::vector<double> weights;
  if (report.weighted && !report.resampled) {
    weights = normalised_weights(psis(report.log_weights).smoothed);
  }
  add_figures(report, kept.names(), kept.names().size() - report.generated_count, report.values,
              weights);
}

}  // namespace

AssessmentOptions assessment_options(const Spec& spec) {
  return {.seed = spec.run.seed,
          .draws = spec.run.evaluation_draws,
          .kept_draws = spec.run.draws,
          .resample = spec.run.resample == "psis"};
}

Assessment assess(const FlowModel<double>& model, std::span<const double> params,
                  const Target& target, const Density<double>& density, VerdictEvidence known,
                  const AssessmentOptions& options, Executor& executor) {
  const RandomStream fresh{options.seed, Purpose::assessment, options.number};
  const auto drawn = draw<double>(model, &density, params, fresh, 0, options.draws, executor);
  const auto weights = log_weights(drawn.log_p, drawn.log_q);
  known.importance = importance(weights);
  known.keeps_constants = target.keeps_constants();
  known.injective = model.injective(params);
  const auto smoothed = normalised_weights(psis(weights).smoothed);
  if (!smoothed.empty()) {
    const auto shift =
        largest_shift(summarise(drawn.z, drawn.dim), summarise(drawn.z, drawn.dim, smoothed));
    known.mean_shift = shift.mean;
    known.sd_shift = shift.sd;
  }
  const auto verdict = judge(known);

  Assessment result;
  auto& report = result.report;
  const auto& weighed = known.importance;
  report.draws = options.draws;
  report.log_z = weighed.log_z;
  report.log_z_se = weighed.log_z_se;
  report.keeps_constants = known.keeps_constants;
  report.elbo = weighed.elbo;
  report.elbo_se = weighed.elbo_se;
  report.khat = weighed.khat;
  report.ess = weighed.ess;
  report.ess_fraction = weighed.ess_fraction;
  report.verdict = std::string(name_of(verdict.grade));
  report.verdict_reasons = verdict.reasons;
  report.unseen_modes = known.unseen_modes;
  report.modes_left_out = known.modes_left_out;
  report.out_of_budget = known.budget_exhausted;

  // Weights that say nothing dependable would only add their noise.
  report.weighted = verdict.grade != Grade::unreliable && !smoothed.empty();
  DrawValues assessed(target, std::nullopt);
  add_figures(report, assessed.names(), 0, assessed.next(drawn),
              report.weighted ? std::span<const double>(smoothed) : std::span<const double>());
  report.parameter_count = target.parameter_count();

  if (options.resample) {
    const auto chosen =
        resample(weights, options.kept_draws, {options.seed, Purpose::resampling, options.number});
    report.resampled = chosen.status == ResampleStatus::ok;
    if (report.resampled) result.kept = select(drawn, chosen.indices);
  }
  if (!report.resampled) {
    result.kept = draw<double>(model, &density, params, {options.seed, Purpose::draws, 0}, 0,
                               options.kept_draws, executor);
  }
  report.log_weights = log_weights(result.kept.log_p, result.kept.log_q);
  if (options.kept_draws > 0) add_values(result, target, options.seed);
  return result;
}

void add_cost(PosteriorReport& report, const Target& target, const MeteredDensity& density,
              double seconds) {
  const auto failures = target.failures();
  report.gradients = density.evaluations();
  report.failed_evaluations = failures.count;
  report.first_failure = failures.first_message;
  report.seconds_in_target = density.seconds();
  report.seconds = seconds;
}

}  // namespace riffle
