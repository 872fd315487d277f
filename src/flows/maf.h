#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry maf_entry;

}  // namespace riffle
