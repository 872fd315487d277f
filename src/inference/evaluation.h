#pragma once

#include <cstdint>
#include <span>

#include "core/executor.h"
#include "inference/objective.h"
#include "model/flow_model.h"
#include "targets/density.h"

namespace riffle {

/// Mean of independent values and its standard error (NaN where there are fewer than two).
struct MonteCarlo {
  double mean = 0;
  double standard_error = 0;
  std::uint64_t valid = 0;
  std::uint64_t invalid = 0;  ///< draws left out because something was not finite
};

/// The objective over fresh draws, each group of draws one value. With the terms of the free
/// energy, an exact flow and an exact target this is minus the ELBO. The result does not depend on
/// the number of threads.
template <class T>
MonteCarlo evaluate_objective(const FlowModel<T>& model, const Density<T>& target,
                              std::span<const T> params, const RandomStream& stream,
                              std::uint64_t draws, ObjectiveTerms terms, Executor& executor);

}  // namespace riffle
