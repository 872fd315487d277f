#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/executor.h"
#include "model/draws.h"
#include "model/flow_model.h"
#include "targets/density.h"

namespace riffle {

/// How a model is trained with no schedule set beforehand.
struct PhaseOptions {
  std::uint64_t seed = 1;
  std::uint64_t number = 0;  ///< tells apart the random numbers of trainings with one seed
  std::size_t batch = 256;
  double rate = 0.02;               ///< Adam's, in the first phase; halved from one to the next
  std::uint64_t least_steps = 200;  ///< of a phase
  std::uint64_t most_steps = 1000;
  std::size_t most_phases = 8;
  double enough = 0.93;         ///< importance-sampling efficiency at which more work gains nothing
  bool until_reliable = false;  ///< or, at any efficiency, at which the verdict would be that
  double hopeless = 0;  ///< efficiency below which, after a phase, what is trained is given up
  double worthwhile = 0.002;  ///< gain of a phase, in nats; two in a row below it end the training
  std::uint64_t evaluation_draws = 4096;
  std::size_t frozen = 0;    ///< parameters of the flow's last layers that are kept as they are
  bool frozen_base = false;  ///< whether those of the base are, too
  bool path = true;          ///< gradient of the path, rather than the whole one
  /// Weight of ln p at step t; 1 by default.
  std::function<double(std::uint64_t step)> beta = {};
  /// Whether so many more evaluations of the target are too many. Asked before each step, of that
  /// step and the evaluation after it.
  std::function<bool(std::uint64_t next)> stop = [](std::uint64_t) { return false; };
  /// Whether not even what was reached is to be evaluated by all draws.
  std::function<bool()> hurry = [] { return false; };
};

/// The bound after a phase.
struct PhaseResult {
  std::uint64_t steps = 0;  ///< all phases so far
  double rate = 0;
  double elbo = 0;
  double elbo_se = 0;
  /// What decides what is better: a few draws beyond a steep wall have no say in it.
  double trimmed_elbo = 0;
  double ess_fraction = 0;
  /// Whether the verdict would be `reliable` by these draws, with a margin for their noise.
  bool reliable = false;
  bool reliable_but_for_moments = false;  ///< or if means and sds were those of the weights
  bool lost_in_rounding = false;  ///< whether ln p is too large for weights to mean anything
};

struct PhasedTraining {
  std::vector<double> params;  ///< the best averages
  PhaseResult quality;         ///< theirs
  std::vector<PhaseResult> phases;
  bool stopped = false;  ///< by `stop`
};

/// The bound, the importance-sampling efficiency and what the verdict would be by these draws;
/// steps and rate are 0.
PhaseResult quality_of(const Draws& drawn);

/// The bound, the importance-sampling efficiency and what the verdict would be over draws of
/// `stream`, fewer where `hurry` comes true; steps and rate are 0.
PhaseResult evaluate_quality(
    const FlowModel<double>& model, const Density<double>& target, std::span<const double> params,
    const RandomStream& stream, std::uint64_t draws, Executor& executor,
    const std::function<bool()>& hurry = [] { return false; });

/// Trains by Adam in phases of constant rate. A phase ends once its iterates are stationary: R̂
/// between the third and the fourth quarter of it, over a part of the parameters, is near 1 (Dhaka
/// et al. 2020; Welandawe et al. 2022). The second half of its iterates is averaged, and the
/// average evaluated; training goes on from the best so far with half the rate, until what a phase
/// gains is not worth the next.
PhasedTraining train_in_phases(const FlowModel<double>& model, const Density<double>& target,
                               std::span<const double> start, const PhaseOptions& options,
                               Executor& executor, InstructionSet set,
                               const std::function<void(const PhaseResult&)>& on_phase);

}  // namespace riffle
