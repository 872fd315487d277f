#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry tails_entry;

}  // namespace riffle
