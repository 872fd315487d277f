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
  std::size_t stays_from;  ///< first coordinate of the half that stays; net.inputs follow
  std::size_t moves_from;  ///< first coordinate of the half that is transformed
  std::size_t moves;       ///< how many are
  MlpShape net;

  explicit CouplingSettings(const LayerOptions& options)
      : CouplingSettings(options, Conditioner(options.arguments)) {}

  // Cache: the numbers of the transformed coordinates, one tile row each; what the transformer
  // keeps; the net's own; and the working space: the numbers' cotangents and the net's own.
  std::size_t numbers() const { return moves * transformer.numbers() * tile_stride; }
  std::size_t kept_at() const { return numbers(); }
  std::size_t net_at() const { return kept_at() + moves * transformer.kept() * tile_stride; }
  std::size_t space_at() const { return net_at() + mlp_cache_size(net); }
  std::size_t space_size() const { return numbers() + mlp_space_size(net); }
  std::size_t cache_size() const { return space_at() + space_size(); }

 private:
  CouplingSettings(const LayerOptions& options, const Conditioner& conditioner)
      : transformer(options.arguments),
        stays_from(options.index % 2 == 0 ? 0 : options.dim / 2),
        moves_from(options.index % 2 == 0 ? options.dim / 2 : 0),
        moves(options.index % 2 == 0 ? options.dim - options.dim / 2 : options.dim / 2),
        net(mlp_shape(options.dim - moves, conditioner.hidden, moves * transformer.numbers(),
                      conditioner.activation, conditioner.residual)) {}
};

}  // namespace riffle
