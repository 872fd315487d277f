#pragma once

#include "flows/flow_registry.h"

namespace riffle {

extern const FlowEntry householder_entry;

}  // namespace riffle
