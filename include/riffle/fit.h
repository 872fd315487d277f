#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "riffle/choices.h"
#include "riffle/posterior.h"
#include "riffle/spec.h"
#include "riffle/target.h"
#include "riffle/trained_flow.h"

namespace riffle {

/// Where a fit stands.
struct FitProgress {
  std::uint64_t iteration = 0;
  std::uint64_t iterations = 0;
  double loss = 0;  ///< the objective, on the latest batch
  double rate = 0;  ///< learning rate
  double seconds = 0;
};

/// What a fit tells while it runs; all default to nothing.
struct FitCallbacks {
  std::function<void(const FitProgress&)> on_progress;  ///< some hundred times a second
  std::function<void(std::uint64_t iteration, double loss)> on_log;  ///< every spec.run.log_every
  std::function<void(const PosteriorStage&)> on_stage;  ///< of a staged fit, after each
  /// Of a staged fit, some times a second: one call at a time, from any of the fit's threads.
  std::function<void(const PosteriorActivity&)> on_activity;
  TargetCalls* calls = nullptr;             ///< of a staged fit
  const std::atomic<bool>* stop = nullptr;  ///< set it to end the training after the iteration
};

/// Draws of a two-dimensional flow while it learned.
struct Snapshot {
  std::uint64_t iteration = 0;
  std::vector<double> x;
  std::vector<double> y;
};

/// The objective on the points held out, after so many iterations.
struct HeldOutLoss {
  std::uint64_t iteration = 0;
  double loss = 0;
};

/// How often something was not finite in training, and what made it so.
struct Blame {
  std::string on;  ///< such as "layer 3 (planar)", "the base", "the target" or "the data"
  std::uint64_t count = 0;

  friend bool operator==(const Blame&, const Blame&) = default;
};

/// What a fit found: all that summary.json says of it, and of a posterior its draws' values.
/// Figures with a standard error `_se` come from fresh draws; docs/summary.md has each.
struct FitFigures {
  std::string target{};
  StopReason stop_reason = StopReason::completed;
  std::uint64_t iterations = 0;  ///< done
  std::uint64_t threads = 0;
  std::string simd{};
  double seconds = 0;           ///< of training
  double us_per_iteration = 0;  ///< microseconds, without snapshots and checkpoints
  double bound = 0;             ///< the objective that was trained, floors included
  double bound_se = 0;          ///< NaN of a single value
  double elbo = 0;  ///< E[ln p - ln q], exact: no floors; NaN where there are only samples
  double elbo_se = 0;
  std::optional<double> log_z_true{};
  std::optional<double> kl{};  ///< log_z_true - elbo
  std::optional<double> kl_se{};
  /// Of a fit to samples: mean ln q of a point that was held out (of all, where none was).
  std::optional<double> log_likelihood{};
  std::optional<double> log_likelihood_se{};  ///< nothing of a single point
  std::uint64_t samples = 0;                  ///< points that were trained on
  std::uint64_t held_out = 0;                 ///< points that were not
  /// Points with a number so far off the others that a warning names it, and how many of these are
  /// among those that log_likelihood is about, which leaves them out.
  std::uint64_t far_off = 0;
  std::uint64_t far_off_judged = 0;
  std::uint64_t invalid_draws = 0;  ///< among those of the final figures
  std::uint64_t invalid_training_draws = 0;
  std::vector<Blame> invalid_training_draws_by{};  ///< of whom there are any, in the flow's order
  std::uint64_t refused_steps = 0;                 ///< whose gradient was not finite
  /// The same of refused steps, but for those that had no valid draw.
  std::vector<Blame> refused_steps_by{};
  /// Of one's own target, by this process: how many there were, how many the target says failed,
  /// and what the first of these said.
  std::uint64_t evaluations = 0;
  std::uint64_t failed_evaluations = 0;
  std::string first_failure{};
  std::string target_description{};  ///< of one's own target, in a line
  bool injective = true;
  std::vector<std::string> warnings{};

  /// Of a fit to a posterior; otherwise nothing.
  std::optional<PosteriorReport> posterior{};
};

/// The outcome of a fit: its figures, the flow, and draws of it.
struct FitReport : FitFigures {
  TrainedFlow flow;
  FlowDraws draws;
  std::vector<double> log_p;  ///< unnormalised, of the draws
  std::uint64_t loss_every = 1;
  std::vector<double> losses;  ///< of iterations loss_every, 2 loss_every, ...
  std::vector<Snapshot> snapshots;
  std::vector<HeldOutLoss> held_out_losses{};  ///< of a fit to samples, in ascending order
};

/// Trains a flow on the target that the spec names, built in or from a library. Throws Error{usage}
/// where the spec is not valid.
FitReport fit(const Spec& spec, const FitCallbacks& callbacks = {});

/// Trains a flow on the caller's own target; spec.target is ignored but for log_floor, and the
/// precision must be double.
FitReport fit(const Spec& spec, const Target& target, const FitCallbacks& callbacks = {});

}  // namespace riffle
