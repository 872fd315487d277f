#pragma once

#include "riffle/fit.h"
#include "run/resumable_fit.h"

namespace riffle {

/// Fits spec.flow to the points of spec.target.samples by maximum likelihood, stopping early where
/// points that are held out say so. Throws as read_points does, and Error{usage} where spec and
/// points do not go together.
FitReport density_fit(const Spec& spec, const FitCallbacks& callbacks, const FitHooks& hooks);

}  // namespace riffle
