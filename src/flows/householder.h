#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry householder_entry;

}  // namespace riffle
