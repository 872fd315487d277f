#pragma once

#include <span>

#include "riffle/spec.h"

namespace riffle {

/// The files of recipes/, compiled in. The array itself is made by the build.
extern const std::span<const Recipe> built_in_recipes;

}  // namespace riffle
