#include "riffle/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <thread>
#include <utility>

#include "core/executor.h"
#include "core/names.h"
#include "diagnostics/evaluation.h"
#include "diagnostics/improper.h"
#include "flows/flow_model.h"
#include "inference/gradient_estimator.h"
#include "inference/trainer.h"
#include "run/resumable_fit.h"
#include "run/target_options.h"
#include "targets/log_floor.h"
#include "targets/target_registry.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

constexpr std::size_t snapshot_draws = 1000;
constexpr std::uint64_t most_snapshots = 100;

std::uint64_t a_thirtieth(std::uint64_t iterations) {
  return std::max<std::uint64_t>(1, iterations / 30);
}

TrainerOptions trainer_options(const Spec& spec) {
  const auto& objective = find_by_name(objective_registry(), spec.objective.name, "objective");
  const auto& optimizer = find_by_name(optimizer_registry(), spec.optimizer.name, "optimizer");
  const auto& schedule = find_by_name(schedule_registry(), spec.schedule.name, "schedule");
  TrainerOptions options;
  options.iterations = spec.run.iterations;
  options.batch = spec.run.batch;
  options.seed = spec.run.seed;
  options.learning_rate = spec.optimizer.learning_rate;
  options.objective = objective.terms;
  options.objective_settings = {spec.objective.beta_start, spec.objective.beta_steps,
                                static_cast<std::size_t>(spec.objective.importance_samples),
                                spec.objective.alpha};
  options.optimizer = {optimizer.kind,          spec.optimizer.smoothing, spec.optimizer.momentum,
                       spec.optimizer.centered, spec.optimizer.beta1,     spec.optimizer.beta2,
                       spec.optimizer.epsilon,  spec.optimizer.clip_norm};
  options.schedule = {schedule.kind, spec.schedule.decay, spec.schedule.step_every,
                      spec.schedule.final_fraction,
                      std::max<std::uint64_t>(1, spec.run.iterations)};
  const auto interval = a_thirtieth(spec.run.iterations);
  options.log_every = spec.run.log_every != 0 ? spec.run.log_every : interval;
  options.snapshot_every = spec.run.snapshot_every != 0 ? spec.run.snapshot_every : interval;
  // A longer run keeps every second, third, ... of the snapshots asked for.
  options.snapshot_every *= 1 + spec.run.iterations / options.snapshot_every / most_snapshots;
  return options;
}

template <class From, class To>
void copy_state(const TrainerState<From>& from, TrainerState<To>& to) {
  const auto copy = [](const std::vector<From>& v) { return std::vector<To>(v.begin(), v.end()); };
  to.iteration = from.iteration;
  to.params = copy(from.params);
  to.optimizer_steps = from.optimizer_steps;
  to.first = copy(from.first);
  to.second = copy(from.second);
  to.velocity = copy(from.velocity);
  to.loss_every = from.loss_every;
  to.losses = from.losses;
  to.refused_steps = from.refused_steps;
  to.refused_in_a_row = from.refused_in_a_row;
  to.blame = from.blame;
}

template <class T>
void check_fits(const TrainerState<double>& state, const FlowModel<T>& model,
                std::uint64_t iterations) {
  const auto size = model.parameters().size();
  if (state.params.size() != size || state.first.size() != size || state.second.size() != size ||
      state.velocity.size() != size || state.blame.size() != model.flow().length() + 1 ||
      state.iteration > iterations) {
    throw Error(ErrorKind::data, "the checkpoint does not fit the flow of its spec");
  }
}

template <class T>
Snapshot take_snapshot(const FlowModel<T>& model, std::span<const T> params, std::uint64_t seed,
                       std::uint64_t iteration) {
  const auto drawn =
      draw<T>(model, nullptr, params, {seed, Purpose::snapshot, iteration}, 0, snapshot_draws);
  Snapshot snapshot{iteration, {}, {}};
  for (std::size_t i = 0; i < snapshot_draws; ++i) {
    snapshot.x.push_back(drawn.z[2 * i]);
    snapshot.y.push_back(drawn.z[2 * i + 1]);
  }
  return snapshot;
}

/// "layer 3 (planar)" or "the target", for the one with most invalid draws.
std::string culprit(const std::vector<std::uint64_t>& blame, std::span<const Expression> runs) {
  const auto k =
      static_cast<std::size_t>(std::max_element(blame.begin(), blame.end()) - blame.begin());
  if (k + 1 == blame.size()) return "the target";
  std::size_t first = 0;
  for (const auto& run : runs) {
    if (k < first + run.count) return fmt::format("layer {} ({})", k, run.name);
    first += run.count;
  }
  return fmt::format("layer {}", k);
}

void add_warnings(FitReport& report, const std::vector<std::uint64_t>& blame,
                  std::span<const Expression> runs, bool improper, double final_beta) {
  auto& warnings = report.warnings;
  if (report.stop_reason == "completed" && final_beta < 1) {
    warnings.push_back(
        fmt::format("the annealing ended at beta = {:.3g}: the flow fits a flattened target; lower "
                    "objective.beta_steps, raise run.iterations, or take the objective free-energy",
                    final_beta));
  }
  if (improper) {
    warnings.push_back(
        "the target looks improper: along some axis its density never falls off, so its integral "
        "is "
        "infinite and no flow can match it");
  }
  if (!report.injective) {
    warnings.push_back(
        "the map is no longer injective (some w·u < -1): it folds, log q is not the density of the "
        "draws, and bound, ELBO and KL mean nothing; a lower learning rate, a schedule that "
        "decays, or "
        "the constrained layer `planar` avoids it");
  }
  if (report.kl && *report.kl + 4 * *report.kl_se < 0) {
    warnings.push_back(fmt::format(
        "the bound lies below its floor: KL = {:.4f} ± {:.4f} cannot be negative; the map is not "
        "injective, or draws were left out",
        *report.kl, *report.kl_se));
  }
  if (report.invalid_draws > 0) {
    warnings.push_back(fmt::format("{} of the final draws were not finite and were left out",
                                   report.invalid_draws));
  }
  if (report.invalid_training_draws > 0) {
    warnings.push_back(
        fmt::format("{} training draws were not finite and were left out, most because of {}",
                    report.invalid_training_draws, culprit(blame, runs)));
  }
  if (report.refused_steps > 0) {
    warnings.push_back(fmt::format("{} steps were refused because their gradient was not finite",
                                   report.refused_steps));
  }
  if (report.stop_reason == "diverged") {
    warnings.push_back(
        "training diverged: no finite gradient could be had any more; try a lower learning rate or "
        "optimizer.clip_norm");
  }
}

/// A built-in or a user's target, as it is and as it is trained on.
template <class T>
struct Targets {
  std::string name;
  std::optional<double> log_z;
  bool known_improper = false;
  std::unique_ptr<Density<T>> exact;
  std::unique_ptr<Density<T>> trained;
};

template <class T>
Targets<T> make_targets(const Spec& spec, const Target* own, InstructionSet set) {
  Targets<T> targets;
  const auto make = [&]() -> std::unique_ptr<Density<T>> {
    if (own != nullptr) {
      if constexpr (std::is_same_v<T, double>) {
        targets.name = "user";
        targets.log_z = own->log_z();
        return std::make_unique<UserDensity>(*own);
      } else {
        throw Error(ErrorKind::usage,
                    "a target of one's own computes in double: set run.precision to \"double\"");
      }
    }
    const auto& entry = find_by_name(target_registry(), spec.target.name, "target");
    const auto options = target_options(entry, spec, set);
    targets.name = entry.name;
    targets.log_z = entry.log_z(options);
    targets.known_improper = entry.improper;
    return entry.make<T>(options);
  };
  targets.exact = make();
  targets.trained = with_log_floor(make(), spec.target.log_floor, set);
  return targets;
}

/// What only the flow and base that were made can tell of a spec.
template <class T>
void check_goes_together(const Spec& spec, const FlowModel<T>& model) {
  const auto& objective = find_by_name(objective_registry(), spec.objective.name, "objective");
  if (objective.needs_inverse && !model.flow().has_inverse()) {
    throw Error(ErrorKind::usage,
                fmt::format("objective {} needs a flow with an inverse, but {}: {}", objective.name,
                            spec.flow.layers, model.flow().no_inverse_reason()));
  }
  if (objective.constant_entropy && model.base().parameters().size() > 0) {
    throw Error(ErrorKind::usage,
                fmt::format("objective {} takes E[ln q0] for a constant, but {} has parameters: "
                            "take free-energy",
                            objective.name, spec.base.name));
  }
}

template <class T>
FitReport typed_fit(const Spec& spec, const Target* own, const FitCallbacks& callbacks,
                    const FitHooks& hooks) {
  using Clock = std::chrono::steady_clock;
  const auto set = InstructionSet::parse(spec.run.simd);
  const auto targets = make_targets<T>(spec, own, set);
  const std::size_t dim = targets.exact->dim();
  const auto runs = parse_flow(spec.flow.layers);
  const auto model = make_model<T>(spec.base.name, runs, {dim, spec.flow.log_det_floor, set});
  const auto exact_model = make_model<T>(spec.base.name, runs, {dim, 0, set});
  check_goes_together(spec, model);
  const auto cores = std::max(1U, std::thread::hardware_concurrency());
  const auto tiles = (spec.run.batch + tile_size - 1) / tile_size;
  const auto asked =
      spec.run.threads != 0 ? spec.run.threads : std::min<std::uint64_t>(cores, tiles);
  Executor executor(static_cast<std::size_t>(asked));

  const auto options = trainer_options(spec);
  GradientEstimator<T> source(model, *targets.trained, options.batch, executor, set);
  Trainer<T> trainer(options, model, source, set);
  Checkpoint checkpoint;
  if (hooks.resume != nullptr) {
    check_fits(hooks.resume->trainer, model, options.iterations);
    TrainerState<T> state;
    copy_state(hooks.resume->trainer, state);
    trainer.restore(state);
    checkpoint.snapshots = hooks.resume->snapshots;
  }
  const double earlier_seconds = hooks.resume != nullptr ? hooks.resume->seconds : 0;

  const auto start = Clock::now();
  const auto seconds_since = [](Clock::time_point from) {
    return std::chrono::duration<double>(Clock::now() - from).count();
  };
  auto last_checkpoint = start;
  double checkpoint_cost = 0;
  double aside = 0;  // spent on snapshots and checkpoints, which are no part of an iteration
  const auto save_checkpoint_now = [&] {
    const auto begin = Clock::now();
    copy_state(trainer.state(), checkpoint.trainer);
    checkpoint.seconds = earlier_seconds + seconds_since(start);
    hooks.on_checkpoint(checkpoint);
    checkpoint_cost = seconds_since(begin);
    aside += checkpoint_cost;
    last_checkpoint = Clock::now();
  };

  TrainerCallbacks<T> told;
  told.stop = callbacks.stop;
  told.on_log = callbacks.on_log;
  if (dim == 2) {
    told.on_snapshot = [&](std::uint64_t iteration, std::span<const T> params) {
      const auto begin = Clock::now();
      checkpoint.snapshots.push_back(take_snapshot(exact_model, params, spec.run.seed, iteration));
      aside += seconds_since(begin);
    };
  }
  told.on_tick = [&](std::uint64_t iteration, double loss, double rate) {
    if (callbacks.on_progress) {
      callbacks.on_progress({iteration, options.iterations, loss, rate, seconds_since(start)});
    }
    // Writing never takes more than a tenth of the time.
    if (hooks.on_checkpoint && seconds_since(last_checkpoint) >
                                   std::max(spec.run.checkpoint_seconds, 10 * checkpoint_cost)) {
      save_checkpoint_now();
    }
  };
  const StopReason reason = trainer.run(told);
  const double seconds_here = seconds_since(start);
  const double seconds = earlier_seconds + seconds_here;
  const std::uint64_t first_iteration =
      hooks.resume != nullptr ? hooks.resume->trainer.iteration : 0;
  if (reason == StopReason::interrupted && hooks.on_checkpoint) save_checkpoint_now();

  const auto state = trainer.state();
  const auto params = trainer.params();
  const auto final_terms = options.objective(options.objective_settings, options.iterations);
  const RandomStream fresh{spec.run.seed, Purpose::evaluation, 0};
  const auto bound = evaluate_objective<T>(model, *targets.trained, params, fresh,
                                           spec.run.evaluation_draws, final_terms, executor);
  const auto free_energy = evaluate_objective<T>(exact_model, *targets.exact, params, fresh,
                                                 spec.run.evaluation_draws, {}, executor);
  auto drawn = draw<T>(exact_model, targets.exact.get(), params, {spec.run.seed, Purpose::draws, 0},
                       0, spec.run.draws);
  const bool improper = targets.known_improper || looks_improper(*targets.exact, drawn);

  std::optional<double> kl;
  std::optional<double> kl_se;
  if (targets.log_z) {
    kl = *targets.log_z + free_energy.mean;
    kl_se = free_energy.standard_error;
  }
  std::uint64_t invalid_in_training = 0;
  for (const auto n : state.blame) invalid_in_training += n;
  FitReport report{
      .target = targets.name,
      .stop_reason = std::string(name_of(reason)),
      .iterations = state.iteration,
      .threads = executor.threads(),
      .simd = std::string(set.name()),
      .seconds = seconds,
      .us_per_iteration = state.iteration > first_iteration
                              ? (seconds_here - aside) * 1e6 /
                                    static_cast<double>(state.iteration - first_iteration)
                              : 0,
      .bound = bound.mean,
      .bound_se = bound.standard_error,
      .elbo = -free_energy.mean,
      .elbo_se = free_energy.standard_error,
      .log_z_true = targets.log_z,
      .kl = kl,
      .kl_se = kl_se,
      .invalid_draws = free_energy.invalid,
      .invalid_training_draws = invalid_in_training,
      .refused_steps = state.refused_steps,
      .injective = exact_model.injective(params),
      .warnings = {},
      .flow = TrainedFlow({spec.base.name,
                           spec.flow.layers,
                           spec.run.precision,
                           dim,
                           {params.begin(), params.end()}}),
      .draws = {dim, std::move(drawn.z), std::move(drawn.log_q)},
      .log_p = std::move(drawn.log_p),
      .loss_every = state.loss_every,
      .losses = state.losses,
      .snapshots = std::move(checkpoint.snapshots),
  };
  add_warnings(report, state.blame, runs, improper, final_terms.beta);
  return report;
}

}  // namespace

FitReport resumable_fit(const Spec& spec, const Target* target, const FitCallbacks& callbacks,
                        const FitHooks& hooks) {
  spec.validate();
  return spec.run.precision == "float" ? typed_fit<float>(spec, target, callbacks, hooks)
                                       : typed_fit<double>(spec, target, callbacks, hooks);
}

FitReport fit(const Spec& spec, const FitCallbacks& callbacks) {
  return resumable_fit(spec, nullptr, callbacks, {});
}

FitReport fit(const Spec& spec, const Target& target, const FitCallbacks& callbacks) {
  return resumable_fit(spec, &target, callbacks, {});
}

}  // namespace riffle
