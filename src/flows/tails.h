#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry tails_entry;

}  // namespace riffle
