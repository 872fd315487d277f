#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry ill_conditioned_entry;

}  // namespace riffle
