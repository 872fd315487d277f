#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "riffle/spec.h"
#include "targets/formula/formula.h"
#include "targets/target_registry.h"

namespace riffle {

/// What the spec says of a built-in target, over the target's defaults, and its data, read from
/// their file. Throws as read_table does, and Error{data} for data that the target cannot use.
TargetOptions target_options(const TargetEntry& entry, const Spec& spec, InstructionSet set);

/// Whether the spec's target is a formula.
bool has_formula(const Spec& spec);
/// That formula. Throws as parse_formula does.
Formula formula_of(const Spec& spec);

/// Names of the columns of draws that a run without parameters of its own has: z.1, z.2, ..., or
/// the coordinates of a formula.
std::vector<std::string> coordinate_names(const Spec& spec, std::size_t dim);

/// Throws what making the spec's built-in target, with its data, would throw, and what check_model
/// does: for a run to say before it makes a folder.
void check_target(const Spec& spec);

}  // namespace riffle
