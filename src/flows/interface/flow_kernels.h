#pragma once

#include <cstddef>

#include "flows/interface/log_det.h"
#include "flows/interface/repeats.h"
#include "riffle/tile.h"

namespace riffle {

/// The compiled functions of one layer for one precision and instruction set. `Settings` is the
/// layer's own struct of constants. The contracts are those of FlowLayer.
template <class T, class Settings>
struct FlowKernels {
  void (*forward)(const Settings&, const Repeats<T>&, const T* params, Tile<const T> z, Tile<T> y,
                  LogDet<T> log_det, T* cache);
  void (*vjp)(const Settings&, const Repeats<T>&, const T* params, Tile<const T> z, T* cache,
              Tile<T> g, const T* g_log_det, T* grad);
  void (*inverse)(const Settings&, const T* params, Tile<const T> y, Tile<T> z, T* log_det,
                  T* cache);
  void (*push_score)(const Settings&, const T* params, Tile<const T> z, T* cache, Tile<T> g,
                     const T* weight);

  template <class Maths>
  static FlowKernels of() {
    return {&Maths::forward, &Maths::vjp, &Maths::inverse, &Maths::push_score};
  }
};

}  // namespace riffle
