#pragma once

#include <cstdint>

#include "model/draws.h"
#include "targets/density.h"

namespace riffle {

/// Whether the target looks improper: along some coordinate axis through each of a few of the
/// draws, p falls off no faster than 1/distance at distances from 10³ to 10⁶ times their spread, in
/// one direction at least, so that its integral along that line is infinite. Where the draws of
/// `start`, from before training, spread wider along the axis, theirs counts: draws that training
/// brought together say nothing of the target's width. A target whose scale is far beyond both may
/// be taken for improper; one that is not found may still be.
template <class T>
bool looks_improper(const Density<T>& target, const Draws& draws, const Draws& start);

}  // namespace riffle
