#pragma once

#include <cstdint>

#include "diagnostics/evaluation.h"
#include "targets/density.h"

namespace riffle {

/// Whether the target looks improper: along some coordinate axis through each of a few of the
/// draws, p falls off no faster than 1/distance at distances from 10³ to 10⁶ times the spread of
/// the draws, in one direction at least, so that its integral along that line is infinite. A target
/// found improper here is; one that is not found may still be.
template <class T>
bool looks_improper(const Density<T>& target, const Draws& draws);

}  // namespace riffle
