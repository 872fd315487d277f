#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry rqs_coupling_entry;

}  // namespace riffle
