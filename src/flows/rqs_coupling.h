#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry rqs_coupling_entry;

}  // namespace riffle
