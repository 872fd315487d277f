#pragma once

#include <cstdint>

#include "core/philox.h"
#include "riffle/tile.h"

namespace riffle {

/// The compiled functions of one base for one precision and instruction set.
template <class T>
struct BaseKernels {
  void (*sample)(const RandomStream&, std::uint64_t first_sample, Tile<T> z);
  void (*log_density)(Tile<const T> z, T* log_density);

  template <class Maths>
  static BaseKernels of() {
    return {&Maths::sample, &Maths::log_density};
  }
};

}  // namespace riffle
