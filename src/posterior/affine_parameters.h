#pragma once

#include <span>
#include <vector>

#include "posterior/normal.h"

namespace riffle {

/// Parameters of an affine-full layer that turns standard normal draws into those of `normal`.
std::vector<double> affine_parameters(const Normal& normal);

/// The normal that such a layer makes of standard normal draws.
Normal normal_of(std::span<const double> params, Eigen::Index dim);

}  // namespace riffle
