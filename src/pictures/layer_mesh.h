#pragma once

#include <vector>

#include "pictures/plots.h"
#include "riffle/trained_flow.h"

namespace riffle {

/// A mesh over the base of a flow of two dimensions, before the first layer and after some of the
/// others. Its lines have points as close as a picture needs, however much a layer bends them.
std::vector<MeshFrame> layer_meshes(const TrainedFlow& flow);

}  // namespace riffle
