#include "nets/mlp_steps.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "nets/mlp_cache.h"

#define RIFFLE_MATHS_PRELUDE "nets/mlp_steps_prelude.inc"
#define RIFFLE_MATHS "nets/mlp_steps.inc"
#define RIFFLE_CLASS MlpStepsMaths
#define RIFFLE_KERNELS MlpStepKernels
#include "lanes/instantiate.h"

namespace riffle {

// The cotangents of h and of a of every hidden layer.
std::size_t mlp_steps_workspace(const MlpShape& shape) {
  std::size_t rows = 0;
  for (std::size_t l = 0; l + 1 < shape.layers.size(); ++l) rows += shape.layers[l].outputs;
  return 2 * rows * tile_stride;
}

template <class T>
MlpStepKernels<T> mlp_step_kernels(InstructionSet set) {
  return kernels_for<T>(set);
}

template MlpStepKernels<float> mlp_step_kernels<float>(InstructionSet);
template MlpStepKernels<double> mlp_step_kernels<double>(InstructionSet);
template MlpStepKernels<Dual> mlp_step_kernels<Dual>(InstructionSet);

}  // namespace riffle
