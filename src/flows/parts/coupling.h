#pragma once

#include <cstddef>

#include "flows/interface/flow_layer.h"
#include "flows/parts/conditioner.h"
#include "nets/mlp.h"
#include "riffle/tile.h"

namespace riffle {

/// The constants of a coupling layer: its halves are the first ⌊D/2⌋ and the last ⌈D/2⌉
/// coordinates, of which one stays and gives the numbers by which the other is transformed. At even
/// places in a run of layers the first half stays, at odd ones the last.
template <class Transformer>
struct CouplingSettings {
  Transformer transformer;
  std::size_t identity_from;      ///< first coordinate of the half that stays; net.inputs follow
  std::size_t transformed_from;   ///< first coordinate of the half that is transformed
  std::size_t transformed_count;  ///< how many are
  MlpShape net;

  explicit CouplingSettings(const LayerOptions& options)
      : CouplingSettings(options, Conditioner(options.arguments)) {}

  // Cache: the numbers of the transformed coordinates, one tile row each; what the transformer
  // keeps; the net's own; and the workspace: the cotangents of the parameters and the net's own.
  std::size_t parameters() const {
    return transformed_count * transformer.parameters() * tile_stride;
  }
  std::size_t kept_at() const { return parameters(); }
  std::size_t net_at() const {
    return kept_at() + transformed_count * transformer.kept() * tile_stride;
  }
  std::size_t workspace_at() const { return net_at() + mlp_cache_size(net); }
  std::size_t workspace_size() const { return parameters() + mlp_workspace_size(net); }
  std::size_t cache_size() const { return workspace_at() + workspace_size(); }

 private:
  CouplingSettings(const LayerOptions& options, const Conditioner& conditioner)
      : transformer(options.arguments),
        identity_from(options.index % 2 == 0 ? 0 : options.dim / 2),
        transformed_from(options.index % 2 == 0 ? options.dim / 2 : 0),
        transformed_count(options.index % 2 == 0 ? options.dim - options.dim / 2 : options.dim / 2),
        net(mlp_shape(options.dim - transformed_count, conditioner.hidden,
                      transformed_count * transformer.parameters(), conditioner.activation,
                      conditioner.residual)) {}
};

}  // namespace riffle
