#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry gaussian_entry;

}  // namespace riffle
