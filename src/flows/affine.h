#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry affine_entry;
extern const FlowEntry actnorm_entry;

}  // namespace riffle
