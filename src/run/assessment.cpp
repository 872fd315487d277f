#include "run/assessment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "diagnostics/importance.h"
#include "diagnostics/parameter_summary.h"
#include "diagnostics/psis.h"
#include "run/draw_values.h"

namespace riffle {
namespace {

/// The draws of these numbers, in this order, with ln q.
Draws select(const ReachingDraws& all, std::span<const std::size_t> indices) {
  const auto& draws = all.draws;
  Draws chosen{draws.dim, {}, {}, {}};
  for (const auto i : indices) {
    const auto* const z = &draws.z[i * draws.dim];
    chosen.z.insert(chosen.z.end(), z, z + draws.dim);
    chosen.log_q.push_back(draws.log_q[i] + all.log_q_m[i]);
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
  report.missing_values = kept.missing();
  if (report.generated_count == 0) return;
  std::vector<double> weights;
  if (report.weighted && !report.resampled) {
    weights = normalised_weights(psis(report.log_weights).smoothed);
  }
  add_figures(report, kept.names(), kept.names().size() - report.generated_count, report.values,
              weights);
}

void append(Draws& draws, const Draws& more) {
  draws.z.insert(draws.z.end(), more.z.begin(), more.z.end());
  draws.log_q.insert(draws.log_q.end(), more.log_q.begin(), more.log_q.end());
  draws.log_p.insert(draws.log_p.end(), more.log_p.begin(), more.log_p.end());
}

/// As many draws of the stream as a budget does for: `most`, or fewer, but not below the least
/// number. They are drawn little by little, since a call may take longer than those before it.
Draws draw_within(const Budget& budget, const FlowModel<double>& model,
                  const Density<double>& density, std::span<const double> params,
                  const RandomStream& stream, std::uint64_t most, Executor& executor) {
  const auto least = std::min(least_final_draws, most);
  Draws drawn{model.dim(), {}, {}, {}};
  for (std::uint64_t n = 0; n < most && n % tile_size == 0; n = drawn.log_q.size()) {
    const auto wanted = std::max(budget.left(), least - std::min(n, least));
    const auto piece = std::min({most - n, wanted, executor.threads() * tile_size});
    if (piece == 0) break;
    append(drawn, draw<double>(model, &density, params, stream, n, piece, executor));
  }
  return drawn;
}

Draws first_of(const Draws& draws, std::uint64_t n) {
  n = std::min<std::uint64_t>(n, draws.log_q.size());
  const auto rows = [&](const std::vector<double>& from, std::size_t width) {
    return std::vector<double>(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(n * width));
  };
  return {draws.dim, rows(draws.z, draws.dim), rows(draws.log_q, 1), rows(draws.log_p, 1)};
}

/// Those from number n on.
Draws from(const Draws& draws, std::size_t n) {
  const auto rows = [&](const std::vector<double>& all, std::size_t width) {
    return std::vector<double>(all.begin() + static_cast<std::ptrdiff_t>(n * width), all.end());
  };
  return {draws.dim, rows(draws.z, draws.dim), rows(draws.log_q, 1), rows(draws.log_p, 1)};
}

/// What a model computes from its parameters may be NaN at all draws: Stan has such elements.
void add_missing(VerdictEvidence& evidence, const MissingValues& missing, const Target& target) {
  evidence.without_value = missing.count;
  evidence.value = missing.name;
  const auto names = target.parameter_names();
  const auto parameters = std::span(names).first(std::min(target.parameter_count(), names.size()));
  const auto lost = std::ranges::find_first_of(missing.nowhere, parameters);
  if (lost != missing.nowhere.end()) evidence.value_of_none = *lost;
}

/// A few thousand draws can be luckier or unluckier than those behind the figures. Whoever uses
/// them has to know.
void judge_kept(PosteriorReport& report) {
  const auto kept = importance(report.log_weights);
  report.kept_ess_fraction = kept.ess_fraction;
  report.kept_khat = kept.khat;
  if (kept.ess_fraction >= 0.8 * report.ess_fraction) return;
  report.verdict_reasons.push_back(fmt::format(
      "of the {} draws that are kept {:.3g} % are effective{}, as chance has it, of all that judge "
      "the fit {:.3g} %: for averages by weights take more (run.draws)",
      kept.draws, 100 * kept.ess_fraction, kept.khat ? fmt::format(" (k̂ {:.2f})", *kept.khat) : "",
      100 * report.ess_fraction));
}

RandomStream to_keep(const AssessmentOptions& options) {
  return {options.seed, Purpose::draws, 0};
}

}  // namespace

AssessmentOptions assessment_options(const Spec& spec) {
  return {.seed = spec.run.seed,
          .draws = spec.run.evaluation_draws,
          .kept_draws = spec.run.draws,
          .resample = spec.run.resample == "psis"};
}

Weighed weigh(const FlowModel<double>& model, std::span<const double> params, const Target& target,
              const MeteredDensity& density, VerdictEvidence known,
              const AssessmentOptions& options, Executor& executor) {
  const bool enough = !options.budget || options.budget->left() >= options.all_draws();
  const auto stream =
      enough ? RandomStream{options.seed, Purpose::assessment, options.number} : to_keep(options);
  auto own = enough ? draw<double>(model, &density, params, stream, 0, options.draws, executor)
                    : draw_within(*options.budget, model, density, params, stream,
                                  std::max(options.draws, options.kept_draws), executor);
  auto all = reach_wider(model, density, params, own, stream, enough ? options.wider_draws() : 0,
                         executor);
  Weighed result{std::move(own), std::move(all), {}, std::move(known), !enough};
  auto& evidence = result.evidence;
  evidence.importance = importance(result.own.log_p, result.own.log_q);
  const auto drawn = evidence.importance.draws;
  evidence.draws_wanted = drawn < options.draws ? options.draws : 0;
  evidence.keeps_constants = target.keeps_constants();
  evidence.injective = model.injective(params);
  evidence.evaluations = density.evaluations();
  evidence.failed_evaluations = density.failures();
  evidence.first_failure = target.failures().first_message;
  const auto weights = log_weights(result.all.draws.log_p, result.all.draws.log_q);
  if (result.all.wider > 0) {
    evidence.reached = {importance(weights), riffle::evidence(result.all)};
    auto& error = evidence.reached->evidence.log_z_se;
    error = std::hypot(error, evidence.importance.rounding);
  }
  result.smoothed = normalised_weights(psis(weights).smoothed);
  if (!result.smoothed.empty()) {
    const auto shift = largest_shift(result.all.draws.z, result.own.dim, drawn, result.smoothed);
    evidence.mean_shift = shift.mean;
    evidence.sd_shift = shift.sd;
    evidence.mean_shift_se = shift.mean_error;
    evidence.sd_shift_se = shift.sd_error;
  }
  return result;
}

Evidence evidence_of(const Weighed& weighed) {
  const auto& evidence = weighed.evidence;
  if (evidence.reached) return evidence.reached->evidence;
  return {evidence.importance.log_z, evidence.importance.log_z_se};
}

Assessment assess(const FlowModel<double>& model, std::span<const double> params,
                  const Target& target, const MeteredDensity& density, const Weighed& weighed,
                  const AssessmentOptions& options, Executor& executor) {
  auto evidence = weighed.evidence;
  DrawValues assessed(target, std::nullopt);
  auto values = assessed.next(weighed.own);
  add_missing(evidence, assessed.missing(), target);
  const auto verdict = judge(evidence);
  Assessment result;
  result.invalid = evidence.importance.zero + evidence.importance.invalid;
  auto& report = result.report;
  const auto& own = evidence.importance;
  const auto [log_z, log_z_se] = evidence_of(weighed);
  report.draws = own.draws;
  report.wider_draws = weighed.all.wider;
  report.log_z = log_z;
  report.log_z_se = log_z_se;
  report.keeps_constants = evidence.keeps_constants;
  report.elbo = own.elbo;
  report.elbo_se = own.elbo_se;
  report.khat = own.khat;
  report.ess = own.ess;
  report.ess_fraction = own.ess_fraction;
  report.verdict = std::string(name_of(verdict.grade));
  report.verdict_reasons = verdict.reasons;
  report.unseen_modes = evidence.unseen_modes;
  report.modes_left_out = evidence.modes_left_out;
  report.out_of_budget = evidence.budget_exhausted;

  // Weights that say nothing dependable would only add their noise.
  report.weighted = verdict.grade != Grade::unreliable && !weighed.smoothed.empty();
  if (report.weighted) {
    const auto wider = assessed.next(from(weighed.all.draws, weighed.own.log_q.size()));
    values.insert(values.end(), wider.begin(), wider.end());
  }
  add_figures(report, assessed.names(), 0, values,
              report.weighted ? weighed.smoothed : std::span<const double>());
  report.parameter_count = target.parameter_count();

  if (options.resample) {
    const auto& all = weighed.all;
    const auto chosen = resample(
        log_weights(all.draws.log_p, all.draws.log_q),
        weighed.short_of_draws ? std::min(options.kept_draws, own.draws) : options.kept_draws,
        {options.seed, Purpose::resampling, options.number});
    report.resampled = chosen.status == ResampleStatus::ok;
    if (report.resampled) result.kept = select(all, chosen.indices);
  }
  if (!report.resampled) {
    result.kept = weighed.short_of_draws ? first_of(weighed.own, options.kept_draws)
                                         : draw<double>(model, &density, params, to_keep(options),
                                                        0, options.kept_draws, executor);
  }
  report.log_weights = log_weights(result.kept.log_p, result.kept.log_q);
  if (!report.resampled && options.kept_draws > 0) judge_kept(report);
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
