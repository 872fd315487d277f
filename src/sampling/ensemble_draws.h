#pragma once

#include <span>
#include <vector>

#include "core/executor.h"
#include "model/draws.h"
#include "model/flow_model.h"
#include "sampling/ensemble.h"

namespace riffle {

/// The points of an ensemble in the base's coordinates, row-major [chain][dim].
std::vector<double> base_points(const Ensemble& all);

/// The same where the model puts them, with ln q and ln p. No evaluation of the target.
Draws draws_of(const Ensemble& all, const FlowModel<double>& model, std::span<const double> params,
               Executor& executor);

}  // namespace riffle
