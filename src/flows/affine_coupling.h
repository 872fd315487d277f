#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry affine_coupling_entry;

}  // namespace riffle
