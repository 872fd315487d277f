#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry affine_coupling_entry;

}  // namespace riffle
