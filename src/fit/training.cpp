#include "fit/training.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <numeric>
#include <string>

#include "core/cores.h"
#include "fit/warnings.h"
#include "model/draws.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::size_t snapshot_draws = 1000;
constexpr std::uint64_t most_snapshots = 100;
constexpr std::uint64_t checks = 200;  // of the objective on held-out data, in a whole run

std::uint64_t a_thirtieth(std::uint64_t iterations) {
  return std::max<std::uint64_t>(1, iterations / 30);
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
  to.refusals = from.refusals;
}

template <class T>
void check_fits(const TrainerState<double>& state, const FlowModel<T>& model,
                std::uint64_t iterations) {
  const auto size = model.parameters().size();
  if (state.params.size() != size || state.first.size() != size || state.second.size() != size ||
      state.velocity.size() != size || state.blame.size() != model.flow().length() + 1 ||
      state.refusals.size() != state.blame.size() || state.iteration > iterations) {
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

/// Keeps the parameters that were best on held-out data.
template <class T>
void note_best(BestSoFar& best, double value, std::uint64_t iteration, std::span<const T> params) {
  if (std::isfinite(value) && (best.params.empty() || value < best.value)) {
    best = {value, iteration, {params.begin(), params.end()}, 0};
  } else {
    ++best.checks_since;
  }
}

}  // namespace

TrainerOptions trainer_options(const Spec& spec) {
  TrainerOptions options;
  options.iterations = spec.run.iterations;
  options.batch = spec.run.batch;
  options.seed = spec.run.seed;
  options.learning_rate = spec.optimizer.learning_rate;
  options.objective = objective_terms(spec.objective.name);
  options.optimizer = spec.optimizer.name;
  options.clip_norm = spec.optimizer.clip_norm;
  options.schedule = make_schedule(spec.schedule.name, spec.run.iterations);
  const auto interval = a_thirtieth(spec.run.iterations);
  options.log_every = spec.run.log_every != 0 ? spec.run.log_every : interval;
  options.snapshot_every = spec.run.snapshot_every != 0 ? spec.run.snapshot_every : interval;
  // A longer run keeps every second, third, ... of the snapshots asked for.
  options.snapshot_every *= 1 + spec.run.iterations / options.snapshot_every / most_snapshots;
  // With a loss that is kept, as the two stand in one table.
  const auto kept =
      1 + (std::max<std::uint64_t>(1, spec.run.iterations) - 1) / Trainer<double>::losses_kept;
  options.check_every = std::max<std::uint64_t>(1, spec.run.iterations / checks);
  options.check_every += (kept - options.check_every % kept) % kept;
  return options;
}

std::size_t threads_of(const Spec& spec) {
  const std::uint64_t cores = usable_cores();
  const auto tiles = (spec.run.batch + tile_size - 1) / tile_size;
  return static_cast<std::size_t>(spec.run.threads != 0 ? spec.run.threads
                                                        : std::min(cores, tiles));
}

std::size_t threads_of(const Spec& spec, const Target& target) {
  return target.thread_safe() ? threads_of(spec) : 1;
}

template <class T>
Trained<T> train(const Spec& spec, const TrainerOptions& options, Training<T> training,
                 const FitCallbacks& callbacks, const FitHooks& hooks) {
  using Clock = std::chrono::steady_clock;
  const auto snapshot_every = options.snapshot_every;
  const bool snapshots =
      training.model.dim() == 2 && snapshot_every > 0 && snapshot_every <= options.iterations;
  auto asked = options;
  asked.snapshot_every = snapshots ? 1 : 0;  // which of them are taken is decided here
  Trainer<T> trainer(asked, training.model, training.source, InstructionSet::parse(spec.run.simd));
  Checkpoint checkpoint;
  if (hooks.resume != nullptr) {
    check_fits(hooks.resume->trainer, training.model, options.iterations);
    TrainerState<T> state;
    copy_state(hooks.resume->trainer, state);
    trainer.restore(state);
    checkpoint.snapshots = hooks.resume->snapshots;
    checkpoint.best = hooks.resume->best;
    checkpoint.held_out = hooks.resume->held_out;
  } else {
    trainer.adapt(training.first_batch);
    if (training.held_out) {
      const double untrained = training.held_out(trainer.params());
      note_best(checkpoint.best, untrained, 0, trainer.params());
      checkpoint.best.checks_since = 0;
      checkpoint.held_out.push_back({0, untrained});
    }
  }
  const double earlier_seconds = hooks.resume != nullptr ? hooks.resume->seconds : 0;

  const auto start = Clock::now();
  const auto seconds_since = [](Clock::time_point from) {
    return std::chrono::duration<double>(Clock::now() - from).count();
  };
  auto last_checkpoint = start;
  double checkpoint_cost = 0;
  double aside = 0;  // spent on what is no part of an iteration
  const auto save_checkpoint_now = [&] {
    const auto begin = Clock::now();
    copy_state(trainer.state(), checkpoint.trainer);
    checkpoint.seconds = earlier_seconds + seconds_since(start);
    if (training.spent) checkpoint.spent = training.spent();
    hooks.on_checkpoint(checkpoint);
    checkpoint_cost = seconds_since(begin);
    aside += checkpoint_cost;
    last_checkpoint = Clock::now();
  };

  TrainerCallbacks<T> told;
  told.stop = callbacks.stop;
  told.on_log = callbacks.on_log;
  const auto snap = [&](std::uint64_t iteration, std::span<const T> params) {
    const auto begin = Clock::now();
    checkpoint.snapshots.push_back(
        take_snapshot(training.exact_model, params, spec.run.seed, iteration));
    aside += seconds_since(begin);
  };
  if (snapshots) {
    if (hooks.resume == nullptr) snap(0, trainer.params());
    told.on_snapshot = [&](std::uint64_t iteration, std::span<const T> params) {
      // Flows learn most at first, so 1, 2, 4, 8, ... come before the regular ones.
      const bool early = iteration < snapshot_every && std::has_single_bit(iteration);
      if (early || iteration % snapshot_every == 0) snap(iteration, params);
    };
  }
  if (training.held_out) {
    const auto patience = choose_objective(spec.objective.name).arguments.whole("patience");
    told.on_check = [&, patience](std::uint64_t iteration, std::span<const T> params) {
      const auto begin = Clock::now();
      const double loss = training.held_out(params);
      note_best(checkpoint.best, loss, iteration, params);
      checkpoint.held_out.push_back({iteration, loss});
      aside += seconds_since(begin);
      return checkpoint.best.checks_since >= patience;
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
  if (reason == StopReason::interrupted && hooks.on_checkpoint) save_checkpoint_now();

  Trained<T> trained{reason, {trainer.params().begin(), trainer.params().end()}, trainer.state()};
  if (!checkpoint.best.params.empty()) {
    trained.params.assign(checkpoint.best.params.begin(), checkpoint.best.params.end());
  }
  trained.untrained = !checkpoint.best.params.empty() && checkpoint.best.iteration == 0;
  trained.held_out = std::move(checkpoint.held_out);
  trained.snapshots = std::move(checkpoint.snapshots);
  trained.seconds = earlier_seconds + seconds_here;
  const auto first = hooks.resume != nullptr ? hooks.resume->trainer.iteration : 0;
  if (trained.state.iteration > first) {
    trained.us_per_iteration =
        (seconds_here - aside) * 1e6 / static_cast<double>(trained.state.iteration - first);
  }
  return trained;
}

template <class T>
FitFigures training_figures(const Trained<T>& trained, std::span<const Expression> flow,
                            std::string_view last, std::size_t threads, InstructionSet set) {
  const auto& state = trained.state;
  return {
      .stop_reason = trained.reason,
      .iterations = state.iteration,
      .threads = threads,
      .simd = std::string(set.name()),
      .seconds = trained.seconds,
      .us_per_iteration = trained.us_per_iteration,
      .invalid_training_draws =
          std::accumulate(state.blame.begin(), state.blame.end(), std::uint64_t{0}),
      .invalid_training_draws_by = blamed(state.blame, flow, last),
      .refused_steps = state.refused_steps,
      .refused_steps_by = blamed(state.refusals, flow, "the base"),
  };
}

template Trained<float> train(const Spec&, const TrainerOptions&, Training<float>,
                              const FitCallbacks&, const FitHooks&);
template Trained<double> train(const Spec&, const TrainerOptions&, Training<double>,
                               const FitCallbacks&, const FitHooks&);

template FitFigures training_figures(const Trained<float>&, std::span<const Expression>,
                                     std::string_view, std::size_t, InstructionSet);
template FitFigures training_figures(const Trained<double>&, std::span<const Expression>,
                                     std::string_view, std::size_t, InstructionSet);

}  // namespace riffle
