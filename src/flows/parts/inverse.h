#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry inverse_entry;

}  // namespace riffle
