#include "flows/radial.h"

#include <cmath>

#include "flows/interface/kernel_layer.h"

namespace riffle {
namespace {

struct RadialSettings {};

template <class T>
using RadialKernels = FlowKernels<T, RadialSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/radial.inc"
#define RIFFLE_CLASS RadialRepeated
#define RIFFLE_KERNELS RadialKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

ParameterLayout layout(std::size_t dim) {
  ParameterLayout views;
  views.add("z0", "z0 ∈ R^D", {dim});
  views.add("alpha", "α = ln(1 + e^alpha)", {1});
  views.add("beta", "β ∈ R, β̂ = -α + ln(1 + e^β)", {1});
  return views;
}

template <class T>
class RadialLayer final : public KernelLayer<T, RadialSettings> {
 public:
  explicit RadialLayer(const LayerOptions& options)
      : KernelLayer<T, RadialSettings>(options.dim, layout(options.dim), 4 * tile_stride, {},
                                       kernels_for<T>(options.set)) {}

 private:
  bool injective_impl(const T*) const override { return true; }
  /// α = 1 and β̂ = 0, which is the identity, around a z0 of U(-1, 1)^D.
  void initialise_impl(const RandomStream& stream, T* params) const override {
    const std::size_t dim = this->dim();
    for (std::size_t d = 0; d < dim; ++d) {
      params[d] = T(2 * stream.uniform(static_cast<std::uint32_t>(d), 0) - 1);
    }
    params[dim] = params[dim + 1] = T(std::log(std::expm1(1.0)));
  }
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<RadialLayer<T>>(options);
}

}  // namespace

const FlowEntry radial_entry{
    .name = "radial",
    .summary = "z + β̂ (z - z0)/(α + ‖z - z0‖), contracts or expands around z0 (Rezende & Mohamed)",
    .cost = "O(D)",
    .inversion = "in closed form, by a quadratic equation for the radius",
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
