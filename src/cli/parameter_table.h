#pragma once

#include <span>

#include "riffle/posterior.h"

namespace riffle {

/// Prints a table of parameters, a line for each. On a terminal that is too narrow for all of its
/// columns some are left out, and long names are cut.
void print_parameters(std::span<const PosteriorParameter> parameters);

}  // namespace riffle
