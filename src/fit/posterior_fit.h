#pragma once

#include "fit/resumable_fit.h"
#include "riffle/fit.h"

namespace riffle {

/// The staged fit of Method::staged, with the evidence, the verdict and the parameters'
/// figures. Throws Error{data} where ln p is finite nowhere near the origin.
FitReport posterior_fit(const Spec& spec, const Target& target, const FitCallbacks& callbacks,
                        const FitHooks& hooks);

}  // namespace riffle
