#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry permutation_entry;
extern const FlowEntry reverse_entry;

}  // namespace riffle
