#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry radial_entry;

}  // namespace riffle
