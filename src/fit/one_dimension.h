#pragma once

#include <string>

#include "riffle/spec.h"

namespace riffle {

/// The flow that points get where none is asked for.
std::string flow_for_points(std::size_t dim);

/// What to say of a flow that in one dimension is no more than a shift and a scale; empty in more
/// dimensions, and of one that bends.
std::string affine_in_one_dimension(const Spec& spec, std::size_t dim);

}  // namespace riffle
