#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry compose_entry;

}  // namespace riffle
