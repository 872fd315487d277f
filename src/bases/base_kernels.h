#pragma once

#include <cstdint>

#include "core/philox.h"
#include "riffle/tile.h"

namespace riffle {

struct NoSettings {};

/// The compiled functions of one base for one precision and instruction set. `Settings` is the
/// base's own struct of constants. The contracts are those of Base; grad may be null in
/// log_density_vjp, and cache in the sample of a base whose parameters are fixed.
template <class T, class Settings>
struct BaseKernels {
  void (*sample)(const Settings&, const T* params, const RandomStream&, std::uint64_t first_sample,
                 Tile<T> z, T* cache);
  void (*sample_vjp)(const Settings&, const T* params, Tile<const T> z, T* cache, Tile<const T> g,
                     T* grad);
  void (*log_density)(const Settings&, const T* params, Tile<const T> z, T* log_density);
  void (*log_density_vjp)(const Settings&, const T* params, Tile<const T> z, const T* weight,
                          Tile<T> g, T* grad);

  template <class Maths>
  static BaseKernels of() {
    return {&Maths::sample, &Maths::sample_vjp, &Maths::log_density, &Maths::log_density_vjp};
  }
};

}  // namespace riffle
