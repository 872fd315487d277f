#pragma once

#include <span>
#include <vector>

#include "core/executor.h"
#include "model/flow_model.h"

namespace riffle {

/// ln q at points, row-major [n][dim], by the inverse of the flow, which must have one and be
/// injective at these parameters. A point that is not finite, or beyond what the precision can
/// invert, has a value that is not. The result does not depend on the number of threads.
template <class T>
std::vector<double> log_density_at(const FlowModel<T>& model, std::span<const T> params,
                                   std::span<const double> points, Executor& executor);

}  // namespace riffle
