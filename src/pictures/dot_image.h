#pragma once

#include <span>
#include <vector>

#include "pictures/plots.h"

namespace riffle {

/// Blue dots over a density in shades of orange: `side` × `side` pixels of red, green and blue from
/// 0 to 255, row by row from the lowest, each from the left. Edges are smooth, and still there are
/// no more than about a hundred colours, so that the frames of an animation can share a palette.
/// `density`: null where there is none. `dots`: pairs (x, y) in shares of the width and the height.
/// `radius`: of a dot, in pixels.
std::vector<unsigned char> dot_image(int side, const DensityGrid* density,
                                     std::span<const double> dots, double radius);

}  // namespace riffle
