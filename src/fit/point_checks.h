#pragma once

#include <span>
#include <string>
#include <vector>

#include "fit/far_off.h"
#include "fit/whitening.h"
#include "io/points.h"
#include "riffle/spec.h"

namespace riffle {

/// Refuses points that have no density, as a column is constant or a linear combination of others,
/// and numbers that the precision cannot hold: throws Error, naming the column and the way out.
/// Returns what there is to warn of in others; `far` is far_off of them.
std::vector<std::string> check_points(const Spec& spec, const Points& points,
                                      std::span<const Spread> spreads, std::span<const FarOff> far);

}  // namespace riffle
