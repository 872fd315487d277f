#include "flows/affine_full.h"

#include <algorithm>
#include <cmath>

#include "flows/interface/kernel_layer.h"

namespace riffle {
namespace {

struct AffineFullSettings {};

template <class T>
using AffineFullKernels = FlowKernels<T, AffineFullSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/affine_full.inc"
#define RIFFLE_CLASS AffineFullRepeated
#define RIFFLE_KERNELS AffineFullKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

ParameterLayout layout(std::size_t dim) {
  ParameterLayout views;
  views.add("l", "l ∈ R^D, L_ii = e^(l_i)", {dim});
  if (dim > 1) views.add("L", "L_ij for i > j, row by row", {dim * (dim - 1) / 2});
  views.add("t", "t ∈ R^D", {dim});
  return views;
}

template <class T>
class AffineFullLayer final : public KernelLayer<T, AffineFullSettings> {
 public:
  explicit AffineFullLayer(const LayerOptions& options)
      : KernelLayer<T, AffineFullSettings>(options.dim, layout(options.dim), 2 * options.dim, {},
                                           kernels_for<T>(options.set)) {}

 private:
  bool injective_impl(const T*) const override { return true; }
  void initialise_impl(const RandomStream&, T* params) const override {
    std::fill_n(params, this->parameters().size(), T(0));
  }
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<AffineFullLayer<T>>(options);
}

}  // namespace

const FlowEntry affine_full_entry{
    .name = "affine-full",
    .summary = "L z + t, L lower triangular: any normal distribution, of a standard normal one",
    .cost = "O(D²)",
    .inversion = "by forward substitution",
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
