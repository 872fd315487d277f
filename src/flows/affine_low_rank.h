#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry affine_low_rank_entry;

}  // namespace riffle
