#pragma once

#include <cstddef>

#include "model/flow_model.h"
#include "riffle/spec.h"

namespace riffle {

/// What only the flow and base that were made can tell of a spec: throws Error{usage} where they do
/// not go with its objective.
template <class T>
void check_goes_together(const Spec& spec, const FlowModel<T>& model);

/// Throws what making the spec's model in that dimension would throw, and check_goes_together: for
/// a run to say before it makes a folder. A staged fit, which makes models of its own, passes.
void check_model(const Spec& spec, std::size_t dim);

}  // namespace riffle
