#pragma once

#include <span>
#include <vector>

#include "core/executor.h"
#include "model/flow_model.h"
#include "riffle/diagnostics.h"

namespace riffle {

/// riffle::audit of a model. `exact` is the same flow in double precision, as a rule of the scalar
/// instruction set, so that it shares no compiled kernel with `model`. What is deemed right is
/// within a tolerance of the precision, on top of what rounding alone explains: 32 times as far as
/// a result moves when parameters, inputs and what each layer gives are disturbed by four of their
/// roundings. Nothing can be told of a draw where that is more than a hundredth, nor of an inverse
/// z' ≠ z with f(z') = f(z) but for rounding: a check that can tell of fewer than half of its draws
/// is not made. Far out, a flow must have numbers up to |z| = 1000, and right ones there and as far
/// as the base's draws get. The results do not depend on the number of threads.
template <class T>
std::vector<AuditResult> audit(const FlowModel<T>& model, const FlowModel<double>& exact,
                               std::span<const T> params, const AuditOptions& options,
                               Executor& executor);

/// Throws Error{usage} for options that are out of range.
void check_audit_options(const AuditOptions& options);

}  // namespace riffle
