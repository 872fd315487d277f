#pragma once

#include <memory>

#include "riffle/spec.h"
#include "riffle/target.h"

namespace riffle {

/// The target from the library that the spec names, or null where it names none. Throws as
/// targets/stan_model.h and targets/plugin.h do.
std::unique_ptr<Target> external_target(const Spec& spec);

/// The target of a run that reports a posterior, with parameters and verdict: of a library's
/// target, of a built-in posterior in double, and of all staged ones. Null where the run reports
/// none. Throws also as target_options.h does.
std::unique_ptr<Target> posterior_target(const Spec& spec);

/// Makes the paths of the spec's target absolute, so that the spec means the same wherever it is
/// read.
void make_target_paths_absolute(Spec& spec);

}  // namespace riffle
