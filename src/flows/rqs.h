#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry rqs_entry;

}  // namespace riffle
