#include "inference/optimizer.h"

#include <array>
#include <cassert>
#include <cmath>

#include "core/whole_lanes.h"

namespace riffle {
namespace {

template <class T>
struct NormKernels {
  /// Σ grad², in the order of the lanes; not finite where any element is not.
  T (*norm2)(const T* grad, std::size_t n);

  template <class Maths>
  static NormKernels of() {
    return {&Maths::norm2};
  }
};

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "inference/optimizer.inc"
#define RIFFLE_CLASS GradientNorm
#define RIFFLE_KERNELS NormKernels
#include "lanes/instantiate.h"

namespace riffle {

std::span<const OptimizerEntry> optimizer_registry() {
  static const std::array registry{rmsprop_entry, adam_entry, sgd_entry};
  return registry;
}

template <class T>
Optimizer<T>::Optimizer(const OptimizerSetup& setup)
    : clip_norm_(setup.clip_norm),
      norm2_(kernels_for<T>(setup.set).norm2),
      first_(whole_lanes(setup.parameters)),
      second_(first_.size()),
      velocity_(first_.size()) {}

template <class T>
bool Optimizer<T>::step(double rate, std::span<T> params, std::span<T> grad) {
  assert(params.size() == padded_size() && grad.size() == padded_size());
  const T norm2 = norm2_(grad.data(), grad.size());
  if (!std::isfinite(norm2)) {
    // The squares of large finite numbers may overflow; only elements that are not finite count.
    for (const T g : grad) {
      if (!std::isfinite(g)) return false;
    }
  }
  const double norm = std::sqrt(static_cast<double>(norm2));
  if (norm > clip_norm_) {
    // Where the sum of squares overflowed, it is taken again in long double.
    long double exact = norm;
    if (!std::isfinite(norm)) {
      exact = 0;
      for (const T g : grad) exact += static_cast<long double>(g) * g;
      exact = std::sqrt(exact);
    }
    const T factor = static_cast<T>(clip_norm_ / exact);
    for (T& g : grad) g *= factor;
  }
  ++steps_;
  update(rate, {grad.size(), params.data(), grad.data(), first_.data(), second_.data(),
                velocity_.data()});
  return true;
}

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace riffle
