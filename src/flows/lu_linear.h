#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry lu_linear_entry;

}  // namespace riffle
