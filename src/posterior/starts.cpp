#include "posterior/starts.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "posterior/initial_values.h"
#include "posterior/second_opinion.h"

namespace riffle {
namespace {

VerdictEvidence known_of(const StagedFit& fit) {
  VerdictEvidence known;
  known.budget_exhausted = fit.out_of_budget || fit.interrupted;
  known.modes_left_out = !fit.covers(fit.trimmed_elbo);  // a scale for p is all that is needed
  // Of several modes, those that a flow over all coordinates covers without having been told of
  // them are not unseen.
  const std::size_t modes = fit.search.modes.size();
  if (modes == 1 || (modes > 1 && fit.flow.base != "standard-normal")) {
    known.unseen_modes = fit.search.unseen();
  }
  return known;
}

bool usable(const Start& start) {
  return start.told.verdict != Grade::unreliable;
}

/// A few draws beyond a steep wall are not to decide. Nor is a verdict, which may be good by
/// chance, unless a sampler has confirmed it.
bool better(const Start& start, const Start& other) {
  if (start.weighed.evidence.sampler && usable(start) && !usable(other)) return true;
  const auto& a = start.weighed.evidence.importance;
  const auto& b = other.weighed.evidence.importance;
  if (!std::isfinite(b.trimmed_elbo)) return std::isfinite(a.trimmed_elbo);
  return a.trimmed_elbo - b.trimmed_elbo > 3 * std::hypot(a.trimmed_elbo_se, b.trimmed_elbo_se);
}

class Starts {
 public:
  using Clock = std::chrono::steady_clock;

  Starts(const Spec& spec, const Target& target, const MeteredDensity& density, Executor& executor,
         const FitCallbacks& callbacks, const std::function<void(const TrainedFlow&)>& on_flow,
         const AssessmentOptions& judged)
      : spec_(spec),
        target_(target),
        density_(density),
        executor_(executor),
        callbacks_(callbacks),
        on_flow_(on_flow),
        judged_(judged),
        initial_values_(initial_values(spec.target.init, target, spec.run.seed)) {}

  FitFromStarts run() {
    constexpr std::uint64_t most_while_useless = 3;
    for (std::uint64_t number = 0; number < std::max(spec_.run.fits, most_while_useless);
         ++number) {
      const bool asked_for = number < spec_.run.fits;
      if (!asked_for && (usable(*kept_) || kept_->fit.lost_in_rounding)) break;
      if (number > 0) announce(number, asked_for);
      auto fit = fit_from(number);
      const bool stopped = fit.interrupted || fit.out_of_budget;
      if (stopped && number > 0) {
        // What is half done would disagree with all.
        kept_->fit.interrupted = fit.interrupted;
        kept_->fit.out_of_budget = fit.out_of_budget;
        kept_->weighed.evidence.budget_exhausted = true;
        break;
      }
      take(weighed(std::move(fit), number));
      if (stopped) break;
    }
    std::vector<PosteriorStart> all{kept_->told};
    all.insert(all.end(), others_.begin(), others_.end());
    kept_->weighed.evidence.fits = compared(all);
    if (all.size() == 1) all.clear();
    return {std::move(*kept_), std::move(all), std::move(stages_), std::move(trace_), steps_};
  }

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
    // The end that is foretold; the deadline holds besides.
    options.max_seconds = judged_.deadline->left() - judged_.seconds_for_values;
    options.max_gradients = spec_.run.max_gradients;
    const auto& init = initial_values_;
    options.reach = init.reach;
    for (const auto& z : init.starts) {
      options.given_starts.emplace_back(
          Eigen::Map<const Eigen::VectorXd>(z.data(), static_cast<Eigen::Index>(z.size())));
    }
    options.first_failure = [this] { return target_.failures().first_message; };
    options.final_draws = judged_.all_draws();
    options.set = InstructionSet::parse(spec_.run.simd);
    options.interrupted = [this] {
      judged_.deadline->over(0);  // which notices a stop
      return judged_.deadline->stopped();
    };
    if (callbacks_.on_activity) {
      options.on_activity = [this, before](PosteriorActivity activity) {
        activity.seconds += before;
        callbacks_.on_activity(activity);
      };
    }
    auto fit = staged_fit(density_, options, executor_, [&](const StagedFit& so_far) {
      if (number == 0 && on_flow_ && !so_far.flow.layers.empty()) {
        on_flow_(trained_flow(so_far.flow));
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
    auto options = judged_;
    if (callbacks_.on_activity) {
      callbacks_.on_activity({fmt::format("weighing {} draws", options.draws),
                              density_.evaluations(), seconds(), fit.elbo});
    }
    options.number = number == 0 ? 0 : number + 1;  // 1 is that of a diagnosis
    options.budget = fit.budget;
    auto drawn = weigh(*fit.flow.model, fit.flow.params, target_, density_, known_of(fit), options,
                       executor_);
    if (!fit.interrupted && !drawn.short_of_draws && !fit.lost_in_rounding &&
        drawn.evidence.injective) {
      SecondOpinionOptions how{.assessment = options};
      how.several_modes = fit.search.modes.size() > 1;
      how.seed = seed_of(number);
      how.known = fit.sampled ? &*fit.sampled : nullptr;
      how.prefer_known = fit.answered_by_chains;
      how.set = InstructionSet::parse(spec_.run.simd);
      how.stop = [&, this](std::uint64_t next) {
        judged_.deadline->over(0);
        return judged_.deadline->stopped() ||
               (fit.budget && fit.budget->left() < next + judged_.kept_draws);
      };
      how.on_activity = [&, this](const std::string& what) {
        if (callbacks_.on_activity) {
          callbacks_.on_activity({what, density_.evaluations(), seconds(), fit.elbo});
        }
      };
      const auto found = second_opinion(fit.flow, drawn, target_, density_, how, executor_);
      if (!found.empty()) tell({"sampler", found, density_.evaluations(), seconds()});
    }
    auto told = start_of(drawn);
    return {std::move(fit), std::move(drawn), std::move(told)};
  }

  void take(Start start) {
    if (kept_ && !better(start, *kept_)) {
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
  const std::function<void(const TrainedFlow&)>& on_flow_;
  const AssessmentOptions& judged_;
  InitialValues initial_values_;
  Clock::time_point start_ = Clock::now();
  std::optional<Start> kept_;
  std::vector<PosteriorStart> others_;
  std::vector<PosteriorStage> stages_;
  std::vector<BoundPoint> trace_;
  std::uint64_t steps_ = 0;
};

}  // namespace

PosteriorStart start_of(const Weighed& weighed) {
  const auto& own = weighed.evidence.importance;
  const auto [log_z, log_z_se] = evidence_of(weighed);
  return {log_z, log_z_se, own.elbo, own.elbo_se, judge(weighed.evidence).grade};
}

std::vector<Evidence> compared(const std::vector<PosteriorStart>& starts) {
  std::vector<Evidence> evidence;
  const auto& kept = starts.front();
  for (const auto& start : starts) {
    if (kept.verdict == Grade::unreliable || start.verdict != Grade::unreliable) {
      evidence.push_back({start.log_z, start.log_z_se});
    } else if (start.elbo > kept.log_z) {
      evidence.push_back({start.elbo, start.elbo_se});
    }
  }
  return evidence;
}

FitFromStarts fit_from_starts(const Spec& spec, const Target& target, const MeteredDensity& density,
                              Executor& executor, const FitCallbacks& callbacks,
                              const std::function<void(const TrainedFlow&)>& on_flow,
                              const AssessmentOptions& judged) {
  return Starts(spec, target, density, executor, callbacks, on_flow, judged).run();
}

}  // namespace riffle
