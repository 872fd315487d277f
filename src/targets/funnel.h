#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry funnel_entry;

}  // namespace riffle
