#include "run/posterior_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
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

VerdictEvidence known_of(const StagedFit& fit) {
  VerdictEvidence known;
  known.budget_exhausted = fit.out_of_budget || fit.interrupted;
  known.modes_left_out = !fit.covers(fit.elbo);  // a scale for p is all that is needed
  // Of several modes, those that a flow over all coordinates covers without having been told of
  // them are not unseen.
  const std::size_t modes = fit.search.modes.size();
  if (modes == 1 || (modes > 1 && fit.flow.base != "standard-normal")) {
    known.unseen_modes = fit.search.unseen();
  }
  return known;
}

/// A fit and what draws of it say.
struct Start {
  StagedFit fit;
  FlowModel<double> model;
  Weighed weighed;
  PosteriorStart told;

  bool usable() const { return told.verdict != name_of(Grade::unreliable); }
  /// By its bound, and never by its verdict: of several fits that are alike, one may get a good one
  /// by chance.
  bool better_than(const Start& other) const {
    if (!std::isfinite(other.told.elbo)) return std::isfinite(told.elbo);
    return told.elbo - other.told.elbo > 3 * std::hypot(told.elbo_se, other.told.elbo_se);
  }
};

/// Fits from independent starts: as many as are asked for, and further ones while none is of use.
class Starts {
 public:
  using Clock = std::chrono::steady_clock;

  Starts(const Spec& spec, const Target& target, const MeteredDensity& density, Executor& executor,
         const FitCallbacks& callbacks, const FitHooks& hooks)
      : spec_(spec),
        target_(target),
        density_(density),
        executor_(executor),
        callbacks_(callbacks),
        hooks_(hooks) {}

  void run() {
    constexpr std::uint64_t most_while_useless = 3;
    for (std::uint64_t number = 0; number < std::max(spec_.run.fits, most_while_useless);
         ++number) {
      const bool asked_for = number < spec_.run.fits;
      if (!asked_for && kept_->usable()) break;
      if (number > 0) announce(number, asked_for);
      auto fit = fit_from(number);
      stopped_ = fit.interrupted || fit.out_of_budget;
      if (stopped_ && number > 0) {
        // What is half done would disagree with all.
        kept_->fit.interrupted = fit.interrupted;
        kept_->fit.out_of_budget = fit.out_of_budget;
        kept_->weighed.evidence.budget_exhausted = true;
        break;
      }
      take(weighed(std::move(fit), number));
      if (stopped_) break;
    }
    std::vector<PosteriorStart> all{kept_->told};
    all.insert(all.end(), others_.begin(), others_.end());
    kept_->weighed.evidence.fits = compared(all);
    if (all.size() > 1) starts_ = std::move(all);
  }

  const Start& kept() const { return *kept_; }
  const std::vector<PosteriorStart>& starts() const { return starts_; }
  std::vector<PosteriorStage> stages() const { return stages_; }
  std::vector<BoundPoint> trace() const { return trace_; }
  std::uint64_t steps() const { return steps_; }
  AssessmentOptions assessment() const { return assessment_options(spec_); }

 private:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  std::uint64_t seed_of(std::uint64_t number) const {
    if (number == 0) return spec_.run.seed;
    const RandomStream seeds{spec_.run.seed, Purpose::restart, 0};
    const auto word =
        Philox::block(seeds.counter(static_cast<std::uint32_t>(number), 0), seeds.key());
    return (std::uint64_t{word[0]} << 32) | word[1];
  }

  void announce(std::uint64_t number, bool asked_for) {
    tell({"start",
          asked_for ? fmt::format("fit {} of {}, from other points", number + 1, spec_.run.fits)
                    : "these draws are of no use: once more, from other points",
          density_.evaluations(), seconds()});
  }

  void tell(PosteriorStage stage) {
    stages_.push_back(std::move(stage));
    if (callbacks_.on_stage) callbacks_.on_stage(stages_.back());
  }

  StagedFit fit_from(std::uint64_t number) {
    const double before = seconds();
    const std::size_t first_stage = stages_.size();
    StagedOptions options;
    options.seed = seed_of(number);
    options.max_seconds = spec_.run.max_seconds - before;
    options.max_gradients = spec_.run.max_gradients;
    options.final_draws = assessment().all_draws();
    options.set = InstructionSet::parse(spec_.run.simd);
    options.interrupted = [this] {
      return callbacks_.stop != nullptr && callbacks_.stop->load(std::memory_order_relaxed);
    };
    auto fit = staged_fit(density_, options, executor_, [&](const StagedFit& so_far) {
      if (number == 0 && hooks_.on_flow && !so_far.flow.layers.empty()) {
        hooks_.on_flow(TrainedFlow(so_far.flow));
      }
      auto stage = so_far.stages.back();
      stage.seconds += before;
      tell(std::move(stage));
    });
    for (auto point : fit.trace) {
      point.stage += first_stage;
      trace_.push_back(point);
    }
    steps_ += fit.steps;
    return fit;
  }

  Start weighed(StagedFit fit, std::uint64_t number) {
    auto model = make_model<double>(fit.flow.base, parse_flow(fit.flow.layers),
                                    {fit.flow.dim, 0, InstructionSet::parse(spec_.run.simd)});
    auto options = assessment();
    options.number = number == 0 ? 0 : number + 1;  // 1 is that of a diagnosis
    options.budget = fit.budget;
    auto drawn =
        weigh(model, fit.flow.params, target_, density_, known_of(fit), options, executor_);
    auto told = start_of(drawn);
    return {std::move(fit), std::move(model), std::move(drawn), std::move(told)};
  }

  void take(Start start) {
    if (kept_ && !start.better_than(*kept_)) {
      others_.push_back(std::move(start.told));
      return;
    }
    if (kept_) others_.push_back(std::move(kept_->told));
    kept_.emplace(std::move(start));
  }

  const Spec& spec_;
  const Target& target_;
  const MeteredDensity& density_;
  Executor& executor_;
  const FitCallbacks& callbacks_;
  const FitHooks& hooks_;
  Clock::time_point start_ = Clock::now();
  std::optional<Start> kept_;
  std::vector<PosteriorStart> others_;
  std::vector<PosteriorStart> starts_;
  std::vector<PosteriorStage> stages_;
  std::vector<BoundPoint> trace_;
  std::uint64_t steps_ = 0;
  bool stopped_ = false;
};

}  // namespace

FitReport posterior_fit(const Spec& spec, const Target& target, const FitCallbacks& callbacks,
                        const FitHooks& hooks) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const UserDensity plain(target);
  const MeteredDensity density(plain, callbacks.calls);
  Executor executor(threads_of(spec, target));

  Starts starts(spec, target, density, executor, callbacks, hooks);
  starts.run();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const auto& [fit, model, weighed, told] = starts.kept();
  auto assessed =
      assess(model, fit.flow.params, target, density, weighed, starts.assessment(), executor);
  auto& posterior = assessed.report;
  posterior.out_of_budget = fit.out_of_budget;  // not where it was interrupted
  posterior.starts = starts.starts();
  posterior.stages = starts.stages();
  posterior.trace = starts.trace();
  posterior.climbs = fit.search.climbs;
  posterior.modes = fit.search.modes.size();
  add_cost(posterior, target, density, std::chrono::duration<double>(Clock::now() - start).count());

  FitReport report{
      .target = target.name(),
      .stop_reason = stop_reason(fit),
      .iterations = starts.steps(),
      .threads = executor.threads(),
      .simd = std::string(InstructionSet::parse(spec.run.simd).name()),
      .seconds = seconds,
      .us_per_iteration =
          starts.steps() == 0 ? 0 : 1e6 * seconds / static_cast<double>(starts.steps()),
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
  add_generation_warning(report.warnings, report.posterior->failed_generations, spec.run.draws);
  warn_of_one_thread(report, spec, target);
  if (const auto kept = report.draws.log_q.size(); kept < spec.run.draws) {
    report.warnings.push_back(fmt::format(
        "the budget did for {} draws, not for the {} of run.draws", kept, spec.run.draws));
  }
  return report;
}

}  // namespace riffle
