#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "riffle/fit.h"
#include "riffle/spec.h"

namespace riffle {

/// A table of points in the caller's memory.
struct Samples {
  std::size_t dim = 0;
  std::vector<std::string> names;  ///< of the coordinates; empty, or one for each
  std::span<const double> values;  ///< row-major [n][dim], all of them finite
};

/// Learns the density of points by maximum likelihood, as of those in a file; spec.target is
/// ignored, and the other settings are those of samples_spec() where nothing else is wanted. Throws
/// Error{data} for points that have no density or are not finite, naming row and column, and
/// Error{usage} where the spec is not valid or does not go with them.
FitReport fit(const Spec& spec, const Samples& samples, const FitCallbacks& callbacks = {});

}  // namespace riffle
