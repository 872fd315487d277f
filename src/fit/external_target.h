#pragma once

#include <atomic>
#include <memory>

#include "riffle/spec.h"
#include "riffle/target.h"

namespace riffle {

/// Compiles the Stan program that the spec names, where it names one that is not in the cache, so
/// that external_target() takes no time for it. `stop` may be null. Throws as
/// targets/stan_program.h does.
void compile_target(const Spec& spec, const std::atomic<bool>* stop);

/// The target from the library that the spec names, or that is compiled from the Stan program it
/// names; null where it names neither. Throws as targets/stan_model.h, targets/stan_program.h and
/// targets/plugin.h do.
std::unique_ptr<Target> external_target(const Spec& spec);

/// The target that the spec's formula is. Throws as parse_formula does.
std::unique_ptr<Target> formula_target_of(const Spec& spec);

/// Whether a run reports a posterior, with parameters and verdict.
bool reports_posterior(const Spec& spec);

/// The target of a run that reports a posterior, with parameters and verdict: of a library's
/// target, of a formula or a built-in posterior in double, and of all staged ones. Null where the
/// run reports none. Throws also as target_options.h does.
std::unique_ptr<Target> posterior_target(const Spec& spec);

/// Throws what is wrong with a target for a fit as the spec has it, before anything is made: its
/// dimension and names, a layout of draws that its names do not go with, and starts (target.init).
void check_for_fit(const Spec& spec, const Target& target);

/// Makes the paths of the spec's target absolute, so that the spec means the same wherever it is
/// read.
void make_target_paths_absolute(Spec& spec);

}  // namespace riffle
