#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry u2_entry;
extern const TargetEntry u3_entry;
extern const TargetEntry u4_entry;
extern const TargetEntry u2_improper_entry;
extern const TargetEntry u3_improper_entry;
extern const TargetEntry u4_improper_entry;

}  // namespace riffle
