#pragma once

#include "inference/optimizer.h"

namespace riffle {

/// An update rule compiled for one precision and instruction set.
template <class T, class Constants>
struct UpdateKernels {
  void (*update)(const StepVectors<T>&, const Constants&);

  template <class Maths>
  static UpdateKernels of() {
    return {&Maths::update};
  }
};

}  // namespace riffle
