#include "posterior/assessment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "diagnostics/convergence.h"
#include "diagnostics/importance.h"
#include "diagnostics/parameter_summary.h"
#include "posterior/draw_values.h"
#include "posterior/value_figures.h"
#include "riffle/diagnostics.h"

namespace riffle {
namespace {

/// The draws of these numbers, in this order, with ln q.
Draws select(const DefensiveDraws& all, std::span<const std::size_t> indices) {
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

void add_figures(PosteriorReport& report, std::span<const std::string> names,
                 std::span<const ParameterSummary> figures) {
  for (std::size_t i = 0; i < figures.size(); ++i) {
    const auto& f = figures[i];
    report.parameters.push_back({names[i], f.mean, f.sd, f.mcse, f.q5, f.q50, f.q95});
  }
}

/// The rows of a table that is there.
ValueRows rows_of(std::span<const double> values, std::size_t columns) {
  return {columns, columns == 0 ? 0 : values.size() / columns,
          [=](std::span<const std::size_t> draws) -> ValueRows::Next {
            return [=, at = std::size_t{0}](std::span<double> row) mutable {
              const auto from = values.subspan(draws[at++] * columns, columns);
              std::copy(from.begin(), from.end(), row.begin());
            };
          }};
}

std::span<const double> draw_at(const Draws& draws, std::size_t i) {
  return std::span(draws.z).subspan(i * draws.dim, draws.dim);
}

/// Parameters, and what is computed from them, of the draws behind the figures.
class AssessedValues {
 public:
  AssessedValues(const Target& target, const Weighed& weighed, const Deadline& deadline)
      : target_(target),
        weighed_(weighed),
        own_(weighed.evidence.draws_by_sampler ? weighed.sampled->chains.draws : weighed.own),
        deadline_(deadline),
        values_(target, std::nullopt) {
    const std::size_t columns = values_.names().size();
    const auto most = std::max(own_.log_q.size(), weighed.all.draws.log_q.size());
    held_ = most * columns <= values_at_once;
    if (held_) table_.reserve(most * columns);
    make(own_, 0);
  }

  const std::vector<std::string>& names() const { return values_.names(); }
  MissingValues missing() const { return values_.missing(); }

  /// Of q's own draws as they are, or those of a sampler, or of all draws by their weights.
  std::vector<ParameterSummary> figures(bool weighted, std::size_t parameters, Executor& executor) {
    constexpr std::size_t least_rows = 4000;
    const auto& draws = weighted ? weighed_.all.draws : own_;
    if (weighted) make(draws, own_.log_q.size());
    const std::size_t columns = names().size();
    const std::size_t rows = draws.log_q.size();
    const auto table = held_ && table_.size() >= rows * columns
                           ? rows_of(std::span(table_).first(rows * columns), columns)
                           : made_again(draws);
    WantedFigures wanted{.first = 0, .last = std::min(parameters, columns)};
    if (weighted) wanted.weights = weighed_.smoothed;
    auto all = figures_of(table, wanted, deadline_, executor);
    // What is computed from parameters may be any number of values.
    wanted.first = wanted.last;
    wanted.last = columns;
    wanted.least_rows = least_rows;
    const auto computed = figures_of(table, wanted, deadline_, executor);
    all.insert(all.end(), computed.begin(), computed.end());
    if (weighed_.evidence.draws_by_sampler) add_errors_of_chains(all);
    return all;
  }

 private:
  /// Draws of a chain are worth fewer.
  void add_errors_of_chains(std::vector<ParameterSummary>& all) const {
    const auto& found = weighed_.sampled->found;
    const std::size_t columns = all.size();
    std::vector<double> column(table_.size() / std::max<std::size_t>(1, columns));
    for (std::size_t c = 0; c < columns; ++c) {
      all[c].mcse = all[c].sd / std::sqrt(found.ess_bulk);
      if (column.size() != own_.log_q.size()) continue;
      for (std::size_t i = 0; i < column.size(); ++i) column[i] = table_[i * columns + c];
      const double error = mcse_mean(column, found.chains);
      if (!std::isnan(error)) all[c].mcse = error;
    }
  }

  void make(const Draws& draws, std::size_t first) {
    std::vector<double> row(names().size());
    for (std::size_t i = first; i < draws.log_q.size(); ++i) {
      if (i % 16 == 0 && deadline_.over(0)) return;
      if (!held_ && first > 0) return;
      values_.next(draw_at(draws, i), row);
      if (held_) table_.insert(table_.end(), row.begin(), row.end());
    }
  }

  ValueRows made_again(const Draws& draws) const {
    return {names().size(), draws.log_q.size(),
            [this, &draws](std::span<const std::size_t> chosen) -> ValueRows::Next {
              const auto made = std::make_shared<DrawValues>(target_, std::nullopt);
              return [=, &draws, at = std::size_t{0}](std::span<double> row) mutable {
                made->next(draw_at(draws, chosen[at++]), row);
              };
            }};
  }

  const Target& target_;
  const Weighed& weighed_;
  const Draws& own_;
  const Deadline& deadline_;
  DrawValues values_;
  bool held_ = false;
  std::vector<double> table_;
};

void shorten(Draws& draws, std::size_t n) {
  draws.z.resize(n * draws.dim);
  draws.log_q.resize(n);
  draws.log_p.resize(n);
}

/// Values of the kept draws, with generated quantities, which may be many and slow: no others have
/// them, and their figures come from these. At the deadline there are as many draws as have values.
void add_values(Assessment& result, const Target& target, std::uint64_t seed,
                const Deadline& deadline, Executor& executor) {
  auto& report = result.report;
  auto& draws = result.kept;
  DrawValues kept(target, seed);
  const std::size_t columns = kept.names().size();
  report.generated_count = kept.generated_count();
  const bool held = draws.log_q.size() * columns <= most_kept_values;
  if (held) {
    report.values.reserve(draws.log_q.size() * columns);
    std::vector<double> row(columns);
    for (std::size_t i = 0; i < draws.log_q.size(); ++i) {
      if (i > 0 && deadline.over(Deadline::figures_after_stop)) {
        shorten(draws, i);
        report.log_weights.resize(i);
        break;
      }
      kept.next(draw_at(draws, i), row);
      report.values.insert(report.values.end(), row.begin(), row.end());
    }
  }
  auto made = std::shared_ptr<DrawValues>(&kept, [](DrawValues*) {});
  if (report.generated_count > 0) {
    std::vector<double> weights;
    if (report.weighted && !report.resampled) {
      weights = normalised_weights(psis(report.log_weights).smoothed);
    }
    const ValueRows again{
        columns, draws.log_q.size(), [&](std::span<const std::size_t> chosen) -> ValueRows::Next {
          made = std::make_shared<DrawValues>(target, seed);
          return [&, chosen, own = made, at = std::size_t{0}](std::span<double> row) mutable {
            own->next(draw_at(draws, chosen[at++]), row);
          };
        }};
    const auto first = columns - report.generated_count;
    const auto figures =
        figures_of(held ? rows_of(report.values, columns) : again,
                   {.first = first, .last = columns, .weights = weights, .in_order = true},
                   deadline, executor);
    add_figures(report, std::span(kept.names()).subspan(first), figures);
  }
  report.failed_generations = made->failures();
  report.missing_values = made->missing();
}

/// As many draws of the stream as a budget does for: `most`, or fewer, but not below the least
/// number, unless it is time that ends them. They are drawn little by little, since a call may take
/// longer than those before it.
Draws draw_within(const Budget& budget, const std::function<bool()>& end,
                  const FlowModel<double>& model, const Density<double>& density,
                  std::span<const double> params, const RandomStream& stream, std::uint64_t most,
                  Executor& executor) {
  const auto n = std::clamp(budget.evaluations_left(), std::min(least_final_draws, most), most);
  return draw_until(end, model, &density, params, stream, n, executor);
}

Draws first_of(const Draws& draws, std::uint64_t n) {
  n = std::min<std::uint64_t>(n, draws.log_q.size());
  const auto rows = [&](const std::vector<double>& from, std::size_t width) {
    return std::vector<double>(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(n * width));
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

const Deadline& deadline_of(const AssessmentOptions& options) {
  static const Deadline never;
  return options.deadline == nullptr ? never : *options.deadline;
}

/// Whether no more draws are to be made.
std::function<bool()> end_of_draws(const AssessmentOptions& options) {
  return [&deadline = deadline_of(options), ahead = options.seconds_for_values] {
    return deadline.over(Deadline::draws_after_stop, ahead);
  };
}

RandomStream to_keep(const AssessmentOptions& options) {
  return {options.seed, Purpose::draws, 0};
}

/// By all draws of q.
Evidence importance_evidence(const VerdictEvidence& evidence) {
  if (evidence.reached) return evidence.reached->evidence;
  return {evidence.importance.log_z, evidence.importance.log_z_se};
}

void add_sampler(PosteriorReport& report, const Weighed& weighed) {
  const auto& sampled = *weighed.sampled;
  const auto& found = sampled.found;
  report.chains = found.chains;
  report.chain_length = found.length;
  report.temperatures = sampled.temperatures;
  report.acceptance = sampled.chains.kept.acceptance();
  report.r_hat = found.r_hat;
  report.ess_bulk = found.ess_bulk;
  report.ess_tail = found.ess_tail;
  const auto by_weights = importance_evidence(weighed.evidence);
  report.log_z_importance = by_weights.log_z;
  report.log_z_importance_se = by_weights.log_z_se;
  report.log_z_bridge = sampled.bridge.log_z;
  report.log_z_bridge_se = sampled.bridge.log_z_se;
  report.eubo = sampled.bridge.eubo;
  report.eubo_se = sampled.bridge.eubo_se;
  if (!weighed.evidence.draws_by_sampler) return;
  report.draws_by = DrawsBy::sampler;
}

void keep_from_chains(Assessment& result, const Sampled& sampled, std::uint64_t wanted) {
  const auto& draws = sampled.chains.draws;
  // Whoever weighs them by ln p - ln q finds them all alike.
  const double log_z = std::isfinite(sampled.bridge.log_z) ? sampled.bridge.log_z : 0;
  result.kept.dim = draws.dim;
  for (const auto i : spaced(draws.log_q.size(), wanted)) {
    const auto z = draw_at(draws, i);
    result.kept.z.insert(result.kept.z.end(), z.begin(), z.end());
    result.kept.log_q.push_back(draws.log_p[i] - log_z);
    result.kept.log_p.push_back(draws.log_p[i]);
  }
  result.report.log_weights.assign(result.kept.log_q.size(), 0.0);
}

}  // namespace

void hear(Weighed& weighed, Sampled sampled, std::span<const double> log_q) {
  const auto& all = weighed.all.draws;
  std::vector<double> weights = weighed.smoothed;
  if (weights.empty()) {
    weights.assign(all.log_q.size(), 1 / static_cast<double>(all.log_q.size()));
  }
  compare(weighed.own, all, weights, log_q, sampled);
  weighed.evidence.sampler = sampled.found;
  weighed.sampled = std::move(sampled);
}

AssessmentOptions assessment_options(const Spec& spec) {
  return {.seed = spec.run.seed,
          .draws = spec.run.evaluation_draws,
          .kept_draws = spec.run.draws,
          .resample = spec.run.resample == Resampling::psis};
}

Weighed weigh(const FlowModel<double>& model, std::span<const double> params, const Target& target,
              const MeteredDensity& density, VerdictEvidence known,
              const AssessmentOptions& options, Executor& executor) {
  const auto end = end_of_draws(options);
  const bool enough = !options.budget || options.budget->left() >= options.all_draws();
  const auto stream =
      enough ? RandomStream{options.seed, Purpose::assessment, options.number} : to_keep(options);
  auto own = enough ? draw_until(end, model, &density, params, stream, options.draws, executor)
                    : draw_within(*options.budget, end, model, density, params, stream,
                                  std::max(options.draws, options.kept_draws), executor);
  const bool all_there = enough && own.log_q.size() == options.draws;
  auto all = add_defensive_draws(model, density, params, own, stream,
                                 all_there ? options.wider_draws() : 0, executor, end);
  // Those that are to be kept have to be drawn, too.
  const bool short_of_draws = !all_there || end();
  Weighed result{std::move(own), std::move(all), {}, std::move(known), short_of_draws};
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
    error =
        std::hypot(error, evidence.importance.rounding, evidence.reached->importance.tail_error);
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
  if (evidence.draws_by_sampler) return evidence.sampler->bridge;
  auto found = importance_evidence(evidence);
  // Two routes that differ are not both within their errors.
  if (evidence.sampler && evidence.sampler->bridge_holds) {
    found.log_z_se = std::hypot(found.log_z_se, found.log_z - evidence.sampler->bridge.log_z);
  }
  return found;
}

Assessment assess(const FlowModel<double>& model, std::span<const double> params,
                  const Target& target, const MeteredDensity& density, const Weighed& weighed,
                  const AssessmentOptions& options, Executor& executor) {
  auto evidence = weighed.evidence;
  const auto& deadline = deadline_of(options);
  AssessedValues assessed(target, weighed, deadline);
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
  report.verdict = verdict.grade;
  report.verdict_reasons = verdict.reasons;
  report.unseen_modes = evidence.unseen_modes;
  report.modes_left_out = evidence.modes_left_out;
  report.out_of_budget = evidence.budget_exhausted;

  if (weighed.sampled) add_sampler(report, weighed);
  const bool by_sampler = evidence.draws_by_sampler;
  // Weights that say nothing dependable would only add their noise.
  report.weighted = !by_sampler && verdict.grade != Grade::unreliable && !weighed.smoothed.empty();
  add_figures(report, assessed.names(),
              assessed.figures(report.weighted, target.parameter_count(), executor));
  report.parameter_count = target.parameter_count();

  if (by_sampler) {
    keep_from_chains(result, *weighed.sampled, options.kept_draws);
    if (options.kept_draws > 0) add_values(result, target, options.seed, deadline, executor);
    return result;
  }
  if (options.resample) {
    const auto& all = weighed.all;
    const auto chosen = resample(
        log_weights(all.draws.log_p, all.draws.log_q),
        weighed.short_of_draws ? std::min(options.kept_draws, own.draws) : options.kept_draws,
        {options.seed, Purpose::resampling, options.number});
    report.resampled = chosen.status == ResampleStatus::ok;
    if (report.resampled) result.kept = select(all, chosen.indices);
  }
  if (!report.resampled && !weighed.short_of_draws) {
    result.kept = draw_until(end_of_draws(options), model, &density, params, to_keep(options),
                             options.kept_draws, executor);
  }
  // Where time did not do for those, the others are as good.
  const auto drawn = report.resampled ? options.kept_draws : result.kept.log_q.size();
  if (drawn < std::min(options.kept_draws, own.draws)) {
    result.kept = first_of(weighed.own, options.kept_draws);
  }
  report.log_weights = log_weights(result.kept.log_p, result.kept.log_q);
  if (!report.resampled && options.kept_draws > 0) judge_kept(report);
  if (options.kept_draws > 0) add_values(result, target, options.seed, deadline, executor);
  return result;
}

Spent spent_on(const Target& target, const MeteredDensity& density, const Spent& earlier) {
  const auto failures = target.failures();
  return {earlier.evaluations + density.evaluations(), earlier.failed_evaluations + failures.count,
          earlier.failed_evaluations > 0 ? earlier.first_failure : failures.first_message,
          earlier.seconds_in_target + density.seconds(), earlier.seconds};
}

void add_cost(PosteriorReport& report, const Spent& spent, double seconds) {
  report.gradients = spent.evaluations;
  report.failed_evaluations = spent.failed_evaluations;
  report.first_failure = spent.first_failure;
  report.seconds_in_target = spent.seconds_in_target;
  report.seconds = spent.seconds + seconds;
}

}  // namespace riffle
