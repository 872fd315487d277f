#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry maf_entry;

}  // namespace riffle
