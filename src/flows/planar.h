#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry planar_entry;
extern const FlowEntry planar_free_entry;

}  // namespace riffle
