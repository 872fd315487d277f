#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "fit/checkpoint.h"
#include "riffle/fit.h"

namespace riffle {

/// How a run folder takes part in a fit; all default to nothing.
struct FitHooks {
  const Checkpoint* resume = nullptr;                    ///< where to go on
  std::function<void(const Checkpoint&)> on_checkpoint;  ///< every spec.run.checkpoint_seconds
  std::function<void(const TrainedFlow&)> on_flow{};     ///< of a staged fit, the best so far
  Spent earlier{};  ///< of a staged fit, which begins anew, before it was stopped
  /// When the run began, of which spec.run.max_seconds counts.
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
};

/// riffle::fit with these hooks, of a spec that is valid. `target` is null for a built-in one.
FitReport resumable_fit(const Spec& spec, const Target* target, const FitCallbacks& callbacks,
                        const FitHooks& hooks);

}  // namespace riffle
