#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry planar_leaky_entry;

}  // namespace riffle
