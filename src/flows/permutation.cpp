#include "flows/permutation.h"

#include <numeric>

#include "flows/fixed_permutation.h"
#include "flows/interface/kernel_layer.h"

namespace riffle {
namespace {

struct PermutationSettings {
  std::vector<std::uint32_t> from;
};

template <class T>
using PermutationKernels = FlowKernels<T, PermutationSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/permutation.inc"
#define RIFFLE_CLASS PermutationRepeated
#define RIFFLE_KERNELS PermutationKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr Option permutation_options[] = {
    {"seed", "0", "draws another permutation", Values::whole(0, 1'000'000'000)},
};
constexpr std::string_view permutation_variants[] = {"", "seed=3"};

template <class T>
class PermutationLayer final : public KernelLayer<T, PermutationSettings> {
 public:
  PermutationLayer(const LayerOptions& options, std::vector<std::uint32_t> from)
      : KernelLayer<T, PermutationSettings>(options.dim, {}, options.dim * tile_stride,
                                            {std::move(from)}, kernels_for<T>(options.set)) {}

 private:
  bool injective_impl(const T*) const override { return true; }
  void initialise_impl(const RandomStream&, T*) const override {}
};

template <class T>
std::unique_ptr<FlowLayer<T>> make_permutation(const LayerOptions& options) {
  const auto seed = options.arguments.whole("seed");
  return std::make_unique<PermutationLayer<T>>(options,
                                               fixed_permutation(options.dim, seed, options.index));
}

template <class T>
std::unique_ptr<FlowLayer<T>> make_reverse(const LayerOptions& options) {
  std::vector<std::uint32_t> from(options.dim);
  std::iota(from.rbegin(), from.rend(), 0U);
  return std::make_unique<PermutationLayer<T>>(options, std::move(from));
}

}  // namespace

const FlowEntry permutation_entry{
    .name = "permutation",
    .summary = "the coordinates in a random order, which stays as it is",
    .cost = "O(D)",
    .inversion = "in closed form",
    .options = permutation_options,
    .period = 0,
    .variants = permutation_variants,
    .make_float = &make_permutation<float>,
    .make_double = &make_permutation<double>,
    .make_dual = &make_permutation<Dual>,
};

const FlowEntry reverse_entry{
    .name = "reverse",
    .summary = "the coordinates in reverse order",
    .cost = "O(D)",
    .inversion = "in closed form",
    .make_float = &make_reverse<float>,
    .make_double = &make_reverse<double>,
    .make_dual = &make_reverse<Dual>,
};

}  // namespace riffle
