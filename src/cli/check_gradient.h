#pragma once

#include "riffle/diagnostics.h"
#include "riffle/spec.h"

namespace riffle {

/// `riffle check` of a target: prints what check_gradient() finds, and gives the exit code.
int run_gradient_check(const Spec& spec, const GradientCheckOptions& options);

}  // namespace riffle
