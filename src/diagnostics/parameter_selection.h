#pragma once

#include <string>
#include <vector>

#include "riffle/posterior.h"

namespace riffle {

/// Those that `names` name, in this order, none twice: a parameter (`tau`, `theta.3`, `theta[3]`),
/// all elements of an array (`theta`), or a pattern with '*'. All where nothing is named. Throws
/// Error{usage} for a name that names none, with the nearest.
std::vector<PosteriorParameter> select_parameters(std::vector<PosteriorParameter> all,
                                                  const std::vector<std::string>& names);

}  // namespace riffle
