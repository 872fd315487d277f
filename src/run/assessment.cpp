#include "run/assessment.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "diagnostics/importance.h"
#include "diagnostics/parameter_summary.h"
#include "diagnostics/psis.h"

namespace riffle {
namespace {

/// θ of each draw, row-major.
std::vector<double> constrained(const Target& target, const Draws& draws, std::size_t names) {
  const std::size_t n = draws.log_q.size();
  std::vector<double> values(n * names);
  for (std::size_t i = 0; i < n; ++i) {
    target.constrain(std::span(draws.z).subspan(i * draws.dim, draws.dim),
                     std::span(values).subspan(i * names, names));
  }
  return values;
}

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
  std::vector<std::size_t> indices(std::min<std::uint64_t>(n, draws.log_q.size()));
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return select(draws, indices);
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
  const auto names = target.parameter_names();
  const RandomStream to_keep{options.seed, Purpose::draws, 0};
  const bool enough =
      !options.budget || options.budget->left() >= options.draws + options.kept_draws;
  const auto drawn = enough ? draw<double>(model, &density, params,
                                           {options.seed, Purpose::assessment, options.number}, 0,
                                           options.draws, executor)
                            : draw_within(*options.budget, model, density, params, to_keep,
                                          std::max(options.draws, options.kept_draws), executor);
  const std::uint64_t n = drawn.log_q.size();
  const auto weights = log_weights(drawn.log_p, drawn.log_q);
  known.importance = importance(weights);
  known.draws_wanted = n < options.draws ? options.draws : 0;
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
  result.invalid = known.importance.zero + known.importance.invalid;
  auto& report = result.report;
  const auto& weighed = known.importance;
  report.draws = n;
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
  const auto values = constrained(target, drawn, names.size());
  const auto figures =
      summarise(values, names.size(),
                report.weighted ? std::span<const double>(smoothed) : std::span<const double>());
  report.parameter_count = target.parameter_count();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& f = figures[i];
    report.parameters.push_back({names[i], f.mean, f.sd, f.mcse, f.q5, f.q50, f.q95});
  }

  if (options.resample) {
    const auto chosen =
        resample(weights, enough ? options.kept_draws : std::min(options.kept_draws, n),
                 {options.seed, Purpose::resampling, options.number});
    report.resampled = chosen.status == ResampleStatus::ok;
    if (report.resampled) result.kept = select(drawn, chosen.indices);
  }
  if (!report.resampled) {
    result.kept =
        enough ? draw<double>(model, &density, params, to_keep, 0, options.kept_draws, executor)
               : first_of(drawn, options.kept_draws);
  }
  report.values = constrained(target, result.kept, names.size());
  report.log_weights = log_weights(result.kept.log_p, result.kept.log_q);
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
