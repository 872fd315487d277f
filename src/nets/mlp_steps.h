#pragma once

#include <cstddef>

#include "core/instruction_set.h"
#include "nets/mlp.h"
#include "riffle/tile.h"

namespace riffle {

/// Elements of T that `MlpSteps::vjp` works in: a multiple of 16.
std::size_t mlp_steps_workspace(const MlpShape& shape);

/// The compiled functions of MlpSteps for one precision and instruction set.
template <class T>
struct MlpStepKernels {
  void (*forward)(const MlpShape&, const T* params, Tile<const T> x, Tile<T> out, T* cache,
                  std::size_t rank);
  void (*vjp)(const MlpShape&, const T* params, const T* cache, Tile<const T> g_out, Tile<T> g_x,
              T* workspace, std::size_t rank);
  void (*gradient)(const MlpShape&, Tile<const T> x, const T* cache, Tile<const T> g_out,
                   const T* workspace, T* grad);

  template <class Maths>
  static MlpStepKernels of() {
    return {&Maths::forward, &Maths::vjp, &Maths::gradient};
  }
};

/// T = float, double or Dual (always scalar).
template <class T>
MlpStepKernels<T> mlp_step_kernels(InstructionSet set);

/// A masked net (masked_mlp_shape) one rank at a time, for callers to whom each input, or cotangent
/// of an output, becomes known only from what the net made of those before. Every hidden unit is
/// evaluated once, in the step that completes what it sees: all steps together do the work of one
/// Mlp::forward or vjp.
template <class R>
struct MlpSteps {
  using T = typename R::Scalar;

  /// For rank = 0, 1 … D: reads the inputs of rank below `rank`, overwrites the outputs of rank
  /// `rank`, where there are any. After the last step the cache is as Mlp::forward leaves it.
  static void forward(const MlpShape& shape, const T* params, Tile<const T> x, Tile<T> out,
                      T* cache, std::size_t rank) {
    mlp_step_kernels<T>(R::instruction_set()).forward(shape, params, x, out, cache, rank);
  }

  /// For rank = D-1, D-2 … 1: reads the cotangents of the outputs of rank `rank` and above, and
  /// completes that of the input of rank `rank` - 1: g_x += what all outputs send to it. The cache
  /// is that of a whole forward, `workspace` what the steps before left.
  static void vjp(const MlpShape& shape, const T* params, const T* cache, Tile<const T> g_out,
                  Tile<T> g_x, T* workspace, std::size_t rank) {
    mlp_step_kernels<T>(R::instruction_set())
        .vjp(shape, params, cache, g_out, g_x, workspace, rank);
  }

  /// After the last step of vjp, with what it left in `workspace`: grad += the parameters'
  /// cotangents, summed over the samples, for those of all outputs.
  static void gradient(const MlpShape& shape, Tile<const T> x, const T* cache, Tile<const T> g_out,
                       const T* workspace, T* grad) {
    mlp_step_kernels<T>(R::instruction_set()).gradient(shape, x, cache, g_out, workspace, grad);
  }
};

}  // namespace riffle
