#pragma once

#include <algorithm>
#include <span>

#include "riffle/tile.h"

namespace riffle {

/// Copies points, row-major [count][dim], into a tile. Its padding repeats the last point, as the
/// layers ask for numbers there that are as good as any.
template <class T>
void rows_to_tile(std::span<const double> rows, Tile<T> tile) {
  for (std::size_t d = 0; d < tile.dim(); ++d) {
    for (std::size_t s = 0; s < tile_size; ++s) {
      const std::size_t row = std::min(s, tile.count() - 1);
      tile.row(d)[s] = static_cast<T>(rows[row * tile.dim() + d]);
    }
  }
}

/// The points of a tile, row-major [count][dim], overwritten.
template <class T>
void tile_to_rows(Tile<const T> tile, std::span<double> rows) {
  for (std::size_t d = 0; d < tile.dim(); ++d) {
    for (std::size_t s = 0; s < tile.count(); ++s) {
      rows[s * tile.dim() + d] = static_cast<double>(tile(d, s));
    }
  }
}

}  // namespace riffle
