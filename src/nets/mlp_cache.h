#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "core/whole_lanes.h"
#include "nets/mlp.h"

namespace riffle {

/// Where the parts of a net's cache and of its workspace lie, in elements: tiles of whole rows.
struct MlpCache {
  std::size_t inputs;  ///< the inputs by rank, of nets that reorder them
  std::size_t hidden;  ///< h of the hidden layers, one behind the other
  std::size_t slope;   ///< the activations' derivatives of those that keep them
  std::size_t size;

  // Of the workspace.
  std::size_t cotangent[2];  ///< of h, and of a or the h before
  std::size_t weights;       ///< those of one masked layer at a time, dead ones 0
  std::size_t workspace;     ///< its size

  explicit MlpCache(const MlpShape& shape) {
    std::size_t widest = shape.input_of_rank.empty() ? 0 : shape.inputs;
    std::size_t rows = 0;
    std::size_t slopes = 0;
    for (std::size_t l = 0; l + 1 < shape.layers.size(); ++l) {
      const auto& layer = shape.layers[l];
      widest = std::max(widest, layer.outputs);
      rows += layer.outputs;
      if (keeps_slope(shape, layer)) slopes += layer.outputs;
    }
    inputs = 0;
    hidden = inputs + (shape.input_of_rank.empty() ? 0 : shape.inputs * tile_stride);
    slope = hidden + rows * tile_stride;
    size = slope + slopes * tile_stride;
    cotangent[0] = 0;
    cotangent[1] = widest * tile_stride;
    weights = cotangent[1] + widest * tile_stride;
    std::size_t most = 0;
    for (const auto& layer : shape.layers) {
      if (!layer.mask.empty()) most = std::max(most, layer.weights());
    }
    workspace = weights + whole_lanes(std::max(most, shape.direct.weights()));
  }

  /// Whether act'(a) cannot be had from h: then forward stores it.
  static bool keeps_slope(const MlpShape& shape, const DenseShape& layer) {
    return layer.residual || shape.activation == Activation::silu;
  }
};

}  // namespace riffle
