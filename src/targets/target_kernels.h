#pragma once

#include <utility>

#include "riffle/tile.h"
#include "targets/density.h"

namespace riffle {

/// The compiled function of one target for one precision and instruction set. `Settings` is the
/// target's own struct of constants. The contract is that of Density.
template <class T, class Settings>
struct TargetKernels {
  void (*evaluate)(const Settings&, Tile<const T> z, T* log_density, Tile<T> gradient);

  template <class Maths>
  static TargetKernels of() {
    return {&Maths::evaluate};
  }
};

/// A Density that is no more than its kernel and settings.
template <class T, class Settings>
class KernelDensity final : public Density<T> {
 public:
  KernelDensity(std::size_t dim, Settings settings, TargetKernels<T, Settings> kernels)
      : Density<T>(dim), settings_(std::move(settings)), kernels_(kernels) {}

 private:
  void evaluate_impl(Tile<const T> z, T* log_density, Tile<T> gradient) const override {
    kernels_.evaluate(settings_, z, log_density, gradient);
  }

  Settings settings_;
  TargetKernels<T, Settings> kernels_;
};

}  // namespace riffle
