#pragma once

#include "flows/interface/flow_registry.h"

namespace riffle {

extern const FlowEntry sylvester_orthogonal_entry;
extern const FlowEntry sylvester_householder_entry;
extern const FlowEntry sylvester_triangular_entry;

}  // namespace riffle
