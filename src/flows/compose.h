#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry compose_entry;

}  // namespace riffle
