#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "core/aligned.h"
#include "core/expression.h"
#include "core/instruction_set.h"
#include "inference/optimizer_kernels.h"

namespace riffle {

enum class OptimizerKind { rmsprop, adam, sgd };

/// One line of the registry.
struct OptimizerEntry {
  std::string_view name;
  std::string_view summary;
  OptimizerKind kind;
  std::span<const Option> options;  ///< keys of a spec's section `optimizer`, with their defaults
};

std::span<const OptimizerEntry> optimizer_registry();

/// Constants of an optimizer; those that a kind does not use are ignored.
struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  double smoothing = 0.99;  ///< RMSprop's α
  double momentum = 0;      ///< RMSprop's and SGD's μ
  bool centered = false;    ///< RMSprop: by the variance rather than the second moment
  double beta1 = 0.9;       ///< Adam
  double beta2 = 0.999;     ///< Adam
  double epsilon = 1e-8;    ///< added outside the root
  /// The gradient is scaled down to this Euclidean norm where it is longer.
  double clip_norm = std::numeric_limits<double>::infinity();
};

/// Minimises along flat vectors. Sees no model: parameters and gradient are two spans.
template <class T>
class Optimizer {
 public:
  Optimizer(const OptimizerOptions& options, std::size_t parameters, InstructionSet set);

  /// Elements that params and grad must have, 64-byte aligned: the number of parameters rounded up
  /// to whole lanes. What lies beyond the parameters must be zero in grad.
  std::size_t padded_size() const { return first_.size(); }

  /// One step with learning rate `rate`. Returns false, with nothing changed, where the gradient is
  /// not finite. `grad` is scaled in place where it is clipped.
  bool step(double rate, std::span<T> params, std::span<T> grad);

  /// Steps taken so far.
  std::uint64_t steps() const { return steps_; }

  /// All state besides the options, for checkpoints.
  struct State {
    std::uint64_t steps;
    std::span<T> first, second, velocity;
  };
  State state() { return {steps_, first_, second_, velocity_}; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }

 private:
  OptimizerOptions options_;
  OptimizerKernels<T> kernels_;
  AlignedVector<T> first_;
  AlignedVector<T> second_;
  AlignedVector<T> velocity_;
  std::uint64_t steps_ = 0;
};

}  // namespace riffle
