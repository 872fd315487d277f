#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/aligned.h"
#include "riffle/tile.h"

namespace riffle {

/// Up to `tile_size` points u on the side of a model's base, with what is known there of the base's
/// density q0 and of the target's, π(u) = p(f(u)) |det ∂f/∂u|.
struct LiftedTile {
  explicit LiftedTile(std::size_t dim) : u(dim), gradient(dim) {}

  TileBuffer<double> u;
  TileBuffer<double> gradient;  ///< ∇ln π(u); means nothing where `smooth` is false
  alignas(64) std::array<double, tile_size> log_q0{};
  alignas(64) std::array<double, tile_size> log_pi{};
  std::array<bool, tile_size> smooth{};  ///< whether ln π and its gradient are finite

  /// ln of the path q0^(1-β) π^β, which is π's alone at β = 1.
  double log_path(std::size_t s, double beta) const {
    return beta == 1 ? log_pi[s] : (1 - beta) * log_q0[s] + beta * log_pi[s];
  }
};

/// Many chains, or particles: chain i is point i % per_tile of tile i / per_tile. Tiles are what
/// threads share out, so that few chains of a dear target want small ones.
struct Ensemble {
  Ensemble(std::size_t dim_, std::size_t chains_, std::size_t per_tile_ = tile_size)
      : dim(dim_),
        chains(chains_),
        per_tile(per_tile_),
        tiles((chains_ + per_tile_ - 1) / per_tile_, LiftedTile(dim_)) {}

  std::size_t dim;
  std::size_t chains;
  std::size_t per_tile;  ///< at most tile_size
  std::vector<LiftedTile> tiles;

  std::size_t first(std::size_t tile) const { return tile * per_tile; }
  std::size_t count(std::size_t tile) const {
    return tile + 1 < tiles.size() ? per_tile : chains - first(tile);
  }
  LiftedTile& tile_of(std::size_t chain) { return tiles[chain / per_tile]; }
  const LiftedTile& tile_of(std::size_t chain) const { return tiles[chain / per_tile]; }
  std::size_t place(std::size_t chain) const { return chain % per_tile; }
};

}  // namespace riffle
