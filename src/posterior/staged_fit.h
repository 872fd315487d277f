#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "core/executor.h"
#include "core/instruction_set.h"
#include "posterior/metered_density.h"
#include "posterior/modes.h"
#include "riffle/trained_flow.h"

namespace riffle {

struct StagedOptions {
  std::uint64_t seed = 1;
  double max_seconds = std::numeric_limits<double>::infinity();
  std::uint64_t max_gradients = std::numeric_limits<std::uint64_t>::max();
  std::function<bool()> interrupted = [] { return false; };
  InstructionSet set;
};

/// One step of the recipe, as it is told.
struct Stage {
  std::string name;
  std::string told;             ///< what was done, what came of it, what follows: a sentence or two
  std::uint64_t gradients = 0;  ///< spent so far
  double seconds = 0;           ///< since the start
  double elbo = 0;
  double elbo_se = 0;
  double ess_fraction = 0;
};

/// Where the bound stood.
struct TracePoint {
  std::uint64_t gradients = 0;
  double elbo = 0;
  std::size_t stage = 0;
};

struct StagedFit {
  TrainedFlow::Definition flow;
  std::vector<Stage> stages;
  std::vector<TracePoint> trace;
  ModeSearch search;
  bool out_of_budget = false;
  bool interrupted = false;
};

/// The default recipe: a normal distribution where that is enough, a flow on top where it is not.
/// `on_stage` is called after each stage with the best flow so far. Throws Error{data} where ln p
/// is finite at none of the starts.
StagedFit staged_fit(const MeteredDensity& target, const StagedOptions& options, Executor& executor,
                     const std::function<void(const StagedFit&)>& on_stage = {});

}  // namespace riffle
