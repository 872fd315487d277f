#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "core/executor.h"
#include "core/instruction_set.h"
#include "core/philox.h"
#include "model/draws.h"
#include "model/flow_model.h"
#include "sampling/ensemble.h"
#include "sampling/hamiltonian.h"
#include "targets/density.h"

namespace riffle {

/// Two kinds of transitions take turns, each of which leaves p as it is: three long ones of nearly
/// one step size, which cross the bulk, and one of many step sizes, which enters necks.
struct ChainSteps {
  TransitionOptions far{.step_size = 0.5, .step_ratio = 1.5, .steps = 6};
  TransitionOptions narrow{.step_size = 1, .step_ratio = 50, .steps = 8};
};

struct ChainOptions {
  std::size_t warmup = 10;  ///< transitions that adapt the step sizes, and are not kept
  std::size_t length = 40;  ///< that are kept
  double wanted_acceptance = 0.8;
  std::size_t most_steps = 64;  ///< of a transition
  /// Whether so many more evaluations of the target are too many; asked before each transition.
  std::function<bool(std::uint64_t next)> stop = [](std::uint64_t) { return false; };
};

struct Chains {
  Draws draws;            ///< [chain][draw], with ln q of the model and ln p
  std::vector<double> u;  ///< the same in the base's coordinates, [chain][draw][dim]
  std::size_t chains = 0;
  std::size_t length = 0;  ///< of each chain; less than wanted where it was stopped
  TransitionReport moves;  ///< of all transitions
  TransitionReport kept;   ///< of those that are kept
};

/// Moves chains on from where they are. `steps` are what is tried first, and then what was found.
/// In the base's coordinates p should be about as wide in all directions as a standard normal: then
/// a trajectory of a length uniform on (0, π) comes back uncorrelated on average, and that is how
/// many steps are taken. Random numbers are those of `stream`, from its step on, one a transition.
/// The result does not depend on the number of threads.
Chains run_chains(Ensemble& at, const FlowModel<double>& model, std::span<const double> params,
                  const Density<double>& target, const ChainOptions& options, ChainSteps& steps,
                  RandomStream stream, Executor& executor, InstructionSet set);

}  // namespace riffle
