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

/// What some tiles add to an estimate, besides its gradient.
struct TileShare {
  double sum = 0;             ///< over the valid draws
  std::uint64_t invalid = 0;  ///< draws
};

/// The compiled function for one precision and instruction set.
template <class T>
struct TileSumKernels {
  /// sum[i] += x[i] for i < n.
  void (*add)(const T* x, T* sum, std::size_t n);

  template <class Maths>
  static TileSumKernels of() {
    return {&Maths::add};
  }
};

/// Shares the tiles of a batch out to threads, in groups of tiles that follow one another. Each
/// group's gradient goes to a slot of its own, the first one's to the result, to which the slots
/// are added in order. How the tiles are grouped depends on the batch and the number of parameters
/// alone, so the result has the same bits on any number of threads; groups of several, where there
/// are many tiles, spare the threads most of what they would have to pass on to each other.
template <class T>
class TileSums {
 public:
  TileSums(std::size_t batch, std::size_t parameters, Executor& executor, InstructionSet set);

  /// How many workers `run` can tell apart.
  std::size_t workers() const { return groups_ > 1 ? executor_.threads() : 1; }

  /// Calls f(worker, first draw, number of draws, gradient) for each tile, which adds its part of
  /// the gradient to zeros and returns a TileShare. grad is overwritten; what lies behind the
  /// parameters is zeroed. Never allocates.
  template <class F>
  Estimate run(std::span<T> grad, F&& f) {
    std::fill(grad.begin(), grad.end(), T(0));
    const std::span<T> result = grad.first(parameters_);
    const auto take = [&](std::size_t group, std::size_t worker, std::span<T> slot) {
      TileShare all;
      const std::size_t end = std::min(batch_, (group + 1) * draws_in_group_);
      for (std::size_t first = group * draws_in_group_; first < end; first += tile_size) {
        const TileShare share = f(worker, first, std::min(tile_size, end - first), slot);
        all.sum += share.sum;
        all.invalid += share.invalid;
      }
      shares_[group] = all;
    };
    executor_.run(groups_, [&](std::size_t group, std::size_t worker) {
      const std::span<T> slot = group == 0 ? result : slot_of(group);
      if (group > 0) std::fill(slot.begin(), slot.end(), T(0));
      take(group, worker, slot);
      if (alone_ && group > 0) kernels_.add(slot.data(), result.data(), parameters_);
    });
    if (!alone_ && groups_ > 1) add_slots(result);
    Estimate estimate;
    double total = 0;
    for (const auto& share : shares_) {
      total += share.sum;
      estimate.invalid += share.invalid;
    }
    estimate.value = total / static_cast<double>(batch_ - estimate.invalid);
    return estimate;
  }

 private:
  /// Of a group behind the first. A thread that is alone adds each slot to the result while it is
  /// in the cache: the same sums, in the same order, and one slot is enough.
  std::span<T> slot_of(std::size_t group) {
    return {slots_.data() + (alone_ ? 0 : group - 1) * stride_, parameters_};
  }
  void add_slots(std::span<T> sum);

  std::size_t batch_;
  std::size_t draws_in_group_;  // whole tiles
  std::size_t groups_;
  std::size_t parameters_;
  std::size_t stride_;  // of the slots: whole lanes
  Executor& executor_;
  bool alone_;
  TileSumKernels<T> kernels_;
  AlignedVector<T> slots_;  // gradients, one for each group behind the first or one for all
  std::vector<TileShare> shares_;
};

}  // namespace riffle
