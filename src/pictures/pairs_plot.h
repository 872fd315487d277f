#pragma once

#include "pictures/plots.h"
#include "pictures/studio.h"

namespace riffle {

/// Adds `pairs`: a panel for each pair of coordinates, points below the diagonal and draws above
/// it, with the histograms of both on it. Nothing where there are no points, or no draws.
void add_pairs(const PlotData& data, Studio& studio);

}  // namespace riffle
