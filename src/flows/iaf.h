#pragma once

#include <memory>

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry iaf_entry;

/// The layer by itself, for those that are built on it.
template <class T>
std::unique_ptr<FlowLayer<T>> make_iaf(const LayerOptions& options);

}  // namespace riffle
