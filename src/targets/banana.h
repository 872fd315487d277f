#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry banana_entry;

}  // namespace riffle
