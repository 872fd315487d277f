#pragma once

#include <string>

#include "posterior/metered_density.h"
#include "riffle/fit.h"

namespace riffle {

/// "z.3", with the value that it is the coordinate of where they stand side by side.
std::string coordinate_name(const Target& target, std::size_t d);

/// Compares the gradient of a user's target with differences, before a fit relies on it. The
/// warning of one that is wrong, with the coordinate and figures; empty where nothing is, where the
/// target is built in, or the budget is too small to spend any of it.
std::string gradient_warning(const Spec& spec, const Target& target, const MeteredDensity& density,
                             const FitCallbacks& callbacks);

}  // namespace riffle
