#pragma once

#include "riffle/spec.h"
#include "targets/target_registry.h"

namespace riffle {

/// What the spec says of a built-in target, over the target's defaults, and its data, read from
/// their file. Throws as read_table does, and Error{data} for data that the target cannot use.
TargetOptions target_options(const TargetEntry& entry, const Spec& spec, InstructionSet set);

/// Throws what making the spec's built-in target, with its data, would throw, and what check_model
/// does: for a run to say before it makes a folder.
void check_target(const Spec& spec);

}  // namespace riffle
