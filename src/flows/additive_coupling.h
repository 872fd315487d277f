#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry additive_coupling_entry;

}  // namespace riffle
