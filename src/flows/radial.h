#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry radial_entry;

}  // namespace riffle
