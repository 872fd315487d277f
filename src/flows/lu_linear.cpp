#include "flows/lu_linear.h"

#include <algorithm>
#include <cmath>

#include "flows/fixed_permutation.h"
#include "flows/interface/kernel_layer.h"

namespace riffle {
namespace {

struct LuLinearSettings {
  std::vector<std::uint32_t> place;
};

template <class T>
using LuLinearKernels = FlowKernels<T, LuLinearSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/lu_linear.inc"
#define RIFFLE_CLASS LuLinearRepeated
#define RIFFLE_KERNELS LuLinearKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr Option own_options[] = {
    {"seed", "0", "draws another permutation P", Values::whole(0, 1'000'000'000)},
};
constexpr std::string_view variants[] = {"", "seed=3"};

ParameterLayout layout(std::size_t dim) {
  ParameterLayout views;
  views.add("log_s", "log|s|, s ∈ R^D", {dim});
  if (dim > 1) {
    views.add("L", "L_ij for i > j, row by row", {dim * (dim - 1) / 2});
    views.add("U", "U_ij for i < j, column by column", {dim * (dim - 1) / 2});
  }
  return views;
}

template <class T>
class LuLinearLayer final : public KernelLayer<T, LuLinearSettings> {
 public:
  explicit LuLinearLayer(const LayerOptions& options)
      : KernelLayer<T, LuLinearSettings>(
            options.dim, layout(options.dim), 2 * options.dim * tile_stride + 2 * options.dim,
            {fixed_permutation(options.dim, options.arguments.whole("seed"), options.index)},
            kernels_for<T>(options.set)) {}

 private:
  bool injective_impl(const T*) const override { return true; }
  /// W = P.
  void initialise_impl(const RandomStream&, T* params) const override {
    std::fill_n(params, this->parameters().size(), T(0));
  }
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<LuLinearLayer<T>>(options);
}

}  // namespace

const FlowEntry lu_linear_entry{
    .name = "lu-linear",
    .summary = "W z, W = P L (U + diag(s)) with a fixed random permutation P (Glow, 2018)",
    .cost = "O(D²)",
    .inversion = "by two triangular systems",
    .options = own_options,
    .period = 0,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
