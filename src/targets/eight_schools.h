#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry eight_schools_entry;
extern const TargetEntry eight_schools_noncentered_entry;

}  // namespace riffle
