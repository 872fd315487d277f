#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry crescents_entry;
extern const TargetEntry u1_entry;

}  // namespace riffle
