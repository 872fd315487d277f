#pragma once

#include <cstddef>
#include <vector>

#include "flows/interface/flow_kernels.h"
#include "flows/interface/flow_layer.h"
#include "flows/parts/conditioner.h"
#include "nets/mlp.h"
#include "nets/mlp_steps.h"
#include "riffle/tile.h"

namespace riffle {

/// The constants of an autoregressive layer: each coordinate is transformed by numbers that depend
/// on those before it, in rising order at even places in a run of layers and falling order at odd.
template <class Transformer>
struct AutoregressiveSettings {
  Transformer transformer;
  std::size_t dim;
  bool falls;
  MlpShape net;

  explicit AutoregressiveSettings(const LayerOptions& options)
      : AutoregressiveSettings(options, Conditioner(options.arguments)) {}

  /// The coordinate of a place in the order.
  std::size_t coordinate(std::size_t rank) const { return falls ? dim - 1 - rank : rank; }

  // Cache: the numbers of the coordinates, one tile row each; what the transformer keeps; the net's
  // own; the space of its steps; and the workspace: the cotangents of the parameters and the net's
  // own.
  std::size_t parameters() const { return dim * transformer.parameters() * tile_stride; }
  std::size_t kept_at() const { return parameters(); }
  std::size_t net_at() const { return kept_at() + dim * transformer.kept() * tile_stride; }
  std::size_t steps_at() const { return net_at() + mlp_cache_size(net); }
  std::size_t workspace_at() const { return steps_at() + mlp_steps_workspace(net); }
  std::size_t workspace_size() const { return parameters() + mlp_workspace_size(net); }
  std::size_t cache_size() const { return workspace_at() + workspace_size(); }

 private:
  AutoregressiveSettings(const LayerOptions& options, const Conditioner& conditioner)
      : transformer(options.arguments),
        dim(options.dim),
        falls(options.index % 2 == 1),
        net(masked_mlp_shape(ranks(), hidden(conditioner), transformer.parameters(),
                             conditioner.activation, conditioner.residual)) {}

  std::vector<std::size_t> ranks() const {
    std::vector<std::size_t> all(dim);
    for (std::size_t r = 0; r < dim; ++r) all[coordinate(r)] = r;
    return all;
  }
  /// A single coordinate depends on no other: its numbers are the net's last biases.
  std::vector<std::size_t> hidden(const Conditioner& conditioner) const {
    return dim == 1 ? std::vector<std::size_t>{} : conditioner.hidden;
  }
};

/// With the parameters' gradient of the inverse, which push_score has made the most of.
template <class T, class Settings>
struct AutoregressiveKernels : FlowKernels<T, Settings> {
  void (*inverse_vjp)(const Settings&, const T* params, Tile<const T> z, T* cache, Tile<T> g,
                      const T* g_log_det, T* grad);

  template <class Maths>
  static AutoregressiveKernels of() {
    return {FlowKernels<T, Settings>::template of<Maths>(), Maths::inverse_vjp};
  }
};

}  // namespace riffle
