#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry inverse_entry;

}  // namespace riffle
