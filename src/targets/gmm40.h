#pragma once

#include "targets/target_registry.h"

namespace riffle {

extern const TargetEntry gmm40_entry;
extern const TargetEntry gmm40_jax_entry;

}  // namespace riffle
