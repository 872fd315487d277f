#pragma once

#include <cstddef>

namespace riffle {

/// The flat vectors of one optimizer step. `n` is a multiple of 16 and all are 64-byte aligned; the
/// padding of the gradient is zero, so that of the others stays as it is.
template <class T>
struct StepVectors {
  std::size_t n;
  T* params;  ///< updated
  const T* grad;
  T* first;  ///< moments, updated; which of the three are used depends on the optimizer
  T* second;
  T* velocity;
};

/// The constants of one step.
template <class T>
struct StepConstants {
  T rate;
  T beta1;  ///< or smoothing, or momentum
  T beta2;
  T epsilon;
  T correction1;  ///< 1 - beta1^t
  T correction2;  ///< 1 - beta2^t
  bool centered;
};

/// The compiled update rules for one precision and instruction set.
template <class T>
struct OptimizerKernels {
  void (*rmsprop)(const StepVectors<T>&, const StepConstants<T>&);
  void (*adam)(const StepVectors<T>&, const StepConstants<T>&);
  void (*sgd)(const StepVectors<T>&, const StepConstants<T>&);
  /// Σ grad², in the order of the lanes; not finite where any element is not.
  T (*norm2)(const T* grad, std::size_t n);

  template <class Maths>
  static OptimizerKernels of() {
    return {&Maths::rmsprop, &Maths::adam, &Maths::sgd, &Maths::norm2};
  }
};

}  // namespace riffle
