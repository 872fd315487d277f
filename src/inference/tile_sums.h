#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/aligned.h"
#include "core/executor.h"
#include "core/instruction_set.h"
#include "core/whole_lanes.h"
#include "inference/gradient_source.h"
#include "riffle/tile.h"

namespace riffle {

/// What one tile adds to an estimate, besides its gradient.
struct TileShare {
  double sum = 0;             ///< over the valid draws
  std::uint64_t invalid = 0;  ///< draws
};

/// The compiled function for one precision and instruction set.
template <class T>
struct TileSumKernels {
  /// sum[i] += x[i] for i < n, n being whole lanes.
  void (*add)(const T* x, T* sum, std::size_t n);

  template <class Maths>
  static TileSumKernels of() {
    return {&Maths::add};
  }
};

/// Shares the tiles of a batch out to threads. Each tile's gradient goes to a slot of its own, and
/// the slots are summed in order, so that the result has the same bits on any number of threads.
template <class T>
class TileSums {
 public:
  TileSums(std::size_t batch, std::size_t parameters, Executor& executor, InstructionSet set);

  /// How many workers `run` can tell apart.
  std::size_t workers() const { return tiles() > 1 ? executor_.threads() : 1; }

  /// Calls f(worker, first draw, number of draws, gradient) for each tile, which adds its part of
  /// the gradient to zeros and returns a TileShare. grad is overwritten; what lies behind the
  /// parameters is zeroed. Never allocates.
  template <class F>
  Estimate run(std::span<T> grad, F&& f) {
    std::fill(grad.begin(), grad.end(), T(0));
    const auto count = [&](std::size_t tile) {
      return std::min(tile_size, batch_ - tile * tile_size);
    };
    if (tiles() == 1) {
      shares_[0] = f(std::size_t{0}, std::size_t{0}, count(0), grad.first(parameters_));
    } else {
      executor_.run(tiles(), [&](std::size_t tile, std::size_t worker) {
        const std::span<T> slot(slots_.data() + tile * stride_, parameters_);
        std::fill(slot.begin(), slot.end(), T(0));
        shares_[tile] = f(worker, tile * tile_size, count(tile), slot);
      });
      add_slots(grad);
    }
    Estimate result;
    double total = 0;
    for (const auto& share : shares_) {
      total += share.sum;
      result.invalid += share.invalid;
    }
    result.value = total / static_cast<double>(batch_ - result.invalid);
    return result;
  }

 private:
  std::size_t tiles() const { return (batch_ + tile_size - 1) / tile_size; }
  void add_slots(std::span<T> grad);

  std::size_t batch_;
  std::size_t parameters_;
  std::size_t stride_;  // of the slots: whole lanes
  Executor& executor_;
  TileSumKernels<T> kernels_;
  AlignedVector<T> slots_;  // one gradient for each tile
  std::vector<TileShare> shares_;
};

}  // namespace riffle
