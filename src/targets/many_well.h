#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry many_well_entry;

}  // namespace riffle
