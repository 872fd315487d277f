#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry logistic_entry;

}  // namespace riffle
