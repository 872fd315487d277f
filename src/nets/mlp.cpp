#include "nets/mlp.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "nets/mlp_cache.h"

#define RIFFLE_MATHS_PRELUDE "nets/dense.inc"
#define RIFFLE_MATHS "nets/mlp.inc"
#define RIFFLE_CLASS MlpMaths
#define RIFFLE_KERNELS MlpKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

/// Places the layers' parameters one behind the other.
void place(MlpShape& shape) {
  std::size_t offset = 0;
  for (auto& layer : shape.layers) {
    layer.offset = offset;
    offset += layer.weights() + layer.outputs;
  }
  shape.direct.offset = offset;
  shape.parameters = offset + shape.direct.weights();
}

}  // namespace

MlpShape mlp_shape(std::size_t inputs, std::span<const std::size_t> hidden, std::size_t outputs,
                   Activation activation, bool residual) {
  MlpShape shape{.inputs = inputs, .outputs = outputs, .activation = activation, .layers = {}};
  std::size_t width = inputs;
  for (const std::size_t next : hidden) {
    shape.layers.push_back({.inputs = width,
                            .outputs = next,
                            .residual = residual && !shape.layers.empty() && next == width});
    width = next;
  }
  shape.layers.push_back({.inputs = width, .outputs = outputs});
  place(shape);
  return shape;
}

MlpShape masked_mlp_shape(std::span<const std::size_t> rank, std::span<const std::size_t> hidden,
                          std::size_t outputs_per_dim, Activation activation, bool residual) {
  const std::size_t dim = rank.size();
  auto shape = mlp_shape(dim, hidden, dim * outputs_per_dim, activation, residual);
  std::vector<std::uint32_t> input_of_rank(dim);
  for (std::size_t i = 0; i < dim; ++i) input_of_rank[rank[i]] = static_cast<std::uint32_t>(i);
  if (!std::is_sorted(rank.begin(), rank.end())) shape.input_of_rank = input_of_rank;

  // A unit of degree m sees what is of degree m or less, an output what is below its rank. Degrees
  // 0 … D-2 are spread evenly, in rising order: a layer of D-1 units has them all, and a path to
  // the output of rank r from the input of rank r-1 needs a unit of degree r-1 in every layer. In a
  // net of one input nothing is seen.
  const std::size_t degrees = dim == 0 ? 0 : dim - 1;
  std::vector<std::size_t> below(dim);
  for (std::size_t r = 0; r < dim; ++r) below[r] = r;
  bool narrow = false;
  for (auto& layer : shape.layers) {
    const auto inputs_below = [&](std::size_t degree) {
      return static_cast<std::uint32_t>(std::upper_bound(below.begin(), below.end(), degree) -
                                        below.begin());
    };
    layer.mask.resize(layer.outputs);
    if (&layer == &shape.layers.back()) {
      for (std::size_t o = 0; o < layer.outputs; ++o) {
        const std::size_t r = rank[o / outputs_per_dim];
        layer.mask[o] = r == 0 ? 0 : inputs_below(r - 1);
      }
      break;
    }
    std::vector<std::size_t> own(layer.outputs);
    for (std::size_t k = 0; k < layer.outputs; ++k) {
      own[k] = k * degrees / layer.outputs;
      layer.mask[k] = degrees == 0 ? 0 : inputs_below(own[k]);
    }
    narrow = narrow || layer.outputs < degrees;
    below = std::move(own);
  }
  if (narrow) {
    shape.direct = {.inputs = dim, .outputs = shape.outputs, .bias = false};
    for (std::size_t o = 0; o < shape.outputs; ++o) {
      shape.direct.mask.push_back(static_cast<std::uint32_t>(rank[o / outputs_per_dim]));
    }
  }
  place(shape);
  return shape;
}

std::size_t mlp_cache_size(const MlpShape& shape) {
  return MlpCache(shape).size;
}

std::size_t mlp_workspace_size(const MlpShape& shape) {
  return MlpCache(shape).workspace;
}

void add_mlp_parameters(ParameterLayout& layout, const MlpShape& shape, std::string_view prefix) {
  const std::string name(prefix);
  for (std::size_t l = 0; l < shape.layers.size(); ++l) {
    const auto& layer = shape.layers[l];
    const auto place = name + std::to_string(l);
    layout.add(place + ".W", "W", {layer.outputs, layer.inputs});
    layout.add(place + ".b", "b", {layer.outputs});
  }
  if (shape.direct.outputs > 0) {
    layout.add(name + "direct.W", "A", {shape.direct.outputs, shape.direct.inputs});
  }
}

template <class T>
void initialise_mlp(const RandomStream& stream, const MlpShape& shape, T* params,
                    std::uint32_t net) {
  std::fill_n(params, shape.parameters, T(0));
  for (std::size_t l = 0; l + 1 < shape.layers.size(); ++l) {
    const auto& layer = shape.layers[l];
    const auto draw = [&](std::size_t place, double bound) {
      params[place] = T(bound * (2 * stream.uniform(static_cast<std::uint32_t>(place), net) - 1));
    };
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      const std::size_t unmasked = layer.mask.empty() ? layer.inputs : layer.mask[o];
      const double inputs = static_cast<double>(std::max<std::size_t>(unmasked, 1));
      const double fan = shape.activation == Activation::tanh
                             ? inputs + static_cast<double>(layer.outputs)
                             : inputs;
      for (std::size_t i = 0; i < unmasked; ++i) {
        draw(layer.offset + o * layer.inputs + i, std::sqrt(6 / fan));
      }
      draw(layer.bias_offset() + o, 1 / std::sqrt(inputs));
    }
  }
}

template <class T>
MlpKernels<T> mlp_kernels(InstructionSet set) {
  return kernels_for<T>(set);
}

#define RIFFLE_INSTANTIATE(T)                                                               \
  template void initialise_mlp<T>(const RandomStream&, const MlpShape&, T*, std::uint32_t); \
  template MlpKernels<T> mlp_kernels<T>(InstructionSet);
RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)
RIFFLE_INSTANTIATE(Dual)
#undef RIFFLE_INSTANTIATE

}  // namespace riffle
