#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry planar_entry;
extern const FlowEntry planar_free_entry;

}  // namespace riffle
