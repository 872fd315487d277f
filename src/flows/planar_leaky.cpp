#include "flows/planar_leaky.h"

#include <algorithm>
#include <cmath>

#include "flows/interface/kernel_layer.h"

namespace riffle {
namespace {

struct PlanarLeakySettings {
  double slope;
  double margin;  ///< 1 + wᵀû is above it
};

template <class T>
using PlanarLeakyKernels = FlowKernels<T, PlanarLeakySettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/planar_leaky.inc"
#define RIFFLE_CLASS PlanarLeakyRepeated
#define RIFFLE_KERNELS PlanarLeakyKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr Option options_of_planar_leaky[] = {
    {"slope", "0.1", "slope of h below 0", Values::number_from(0, 1)},
};
constexpr double margin = 1e-3;
constexpr std::string_view variants[] = {"", "slope=0"};

ParameterLayout layout(std::size_t dim) {
  ParameterLayout views;
  views.add("w", "w ∈ R^D", {dim});
  views.add("u", "u ∈ R^D", {dim});
  views.add("b", "b ∈ R", {1});
  return views;
}

template <class T>
class PlanarLeakyLayer final : public KernelLayer<T, PlanarLeakySettings> {
 public:
  explicit PlanarLeakyLayer(const LayerOptions& options)
      : KernelLayer<T, PlanarLeakySettings>(
            options.dim, layout(options.dim), 2 * tile_stride + 2 * options.dim,
            {options.arguments.number("slope"), margin}, kernels_for<T>(options.set)) {}

 private:
  bool injective_impl(const T*) const override { return true; }
  /// A w of random direction and about unit length, and the u along it for which û is 0: the
  /// identity, with a kink at a random place to be.
  void initialise_impl(const RandomStream& stream, T* params) const override {
    const std::size_t dim = this->dim();
    const auto uniform = [&](std::size_t i) {
      return 2 * stream.uniform(static_cast<std::uint32_t>(i), 0) - 1;
    };
    double norm2 = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      const double x = uniform(d);
      const double w = (x + std::copysign(1.0, x)) / (2 * std::sqrt(static_cast<double>(dim)));
      params[d] = T(w);
      norm2 += w * w;
    }
    const double along = std::log(std::expm1(1 - margin)) / norm2;
    for (std::size_t d = 0; d < dim; ++d) params[dim + d] = T(along) * params[d];
    params[2 * dim] = T(uniform(dim));
  }
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<PlanarLeakyLayer<T>>(options);
}

}  // namespace

const FlowEntry planar_leaky_entry{
    .name = "planar-leaky",
    .summary = "z + û h(wᵀz + b) with the leaky ReLU for h, û as in planar",
    .cost = "O(D)",
    .inversion = "in closed form",
    .options = options_of_planar_leaky,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
