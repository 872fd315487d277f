#pragma once

#include "riffle/spec.h"
#include "targets/target_registry.h"

namespace riffle {

/// What the spec says of a built-in target, over the target's defaults.
TargetOptions target_options(const TargetEntry& entry, const Spec& spec, InstructionSet set);

}  // namespace riffle
