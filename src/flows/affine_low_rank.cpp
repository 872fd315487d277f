#include "flows/affine_low_rank.h"

#include <algorithm>
#include <cmath>

#include "flows/interface/kernel_layer.h"

namespace riffle {
namespace {

struct AffineLowRankSettings {
  std::size_t rank;
};

template <class T>
using AffineLowRankKernels = FlowKernels<T, AffineLowRankSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/affine_low_rank.inc"
#define RIFFLE_CLASS AffineLowRankRepeated
#define RIFFLE_KERNELS AffineLowRankKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr Option own_options[] = {
    {"rank", "4", "of what is added to the diagonal, at most the dimension",
     Values::whole(1, 65536)},
};
constexpr std::string_view variants[] = {"", "rank=1", "rank=2", "rank=7"};

std::size_t rank_of(const LayerOptions& options) {
  return std::min(options.dim, options.arguments.whole("rank"));
}

ParameterLayout layout(std::size_t dim, std::size_t rank) {
  ParameterLayout views;
  views.add("s", "s ∈ R^D, scale e^s", {dim});
  views.add("V", "V ∈ R^(D×M)", {dim, rank});
  views.add("t", "t ∈ R^D", {dim});
  return views;
}

std::size_t cache_size(std::size_t dim, std::size_t rank) {
  return 2 * rank * tile_stride + dim + rank * (rank - 1) / 2 + 2 * rank;
}

template <class T>
class AffineLowRankLayer final : public KernelLayer<T, AffineLowRankSettings> {
 public:
  AffineLowRankLayer(const LayerOptions& options, std::size_t rank)
      : KernelLayer<T, AffineLowRankSettings>(options.dim, layout(options.dim, rank),
                                              cache_size(options.dim, rank), {rank},
                                              kernels_for<T>(options.set)) {}

 private:
  bool injective_impl(const T*) const override { return true; }
  /// s = t = 0, and V of U(-0.1, 0.1)/√D: at V = 0, where the gradient of V Vᵀ is zero, it would
  /// stay.
  void initialise_impl(const RandomStream& stream, T* params) const override {
    const std::size_t dim = this->dim();
    std::fill_n(params, this->parameters().size(), T(0));
    const double reach = 0.1 / std::sqrt(static_cast<double>(dim));
    for (std::size_t i = 0; i < dim * this->settings().rank; ++i) {
      params[dim + i] = T(reach * (2 * stream.uniform(static_cast<std::uint32_t>(i), 0) - 1));
    }
  }
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<AffineLowRankLayer<T>>(options, rank_of(options));
}

}  // namespace

const FlowEntry affine_low_rank_entry{
    .name = "affine-low-rank",
    .summary = "e^s ∘ (z + V Vᵀ z) + t: normal, its covariance diagonal plus one of rank M",
    .cost = "O(D M)",
    .inversion = "in closed form, by the matrix inversion lemma",
    .options = own_options,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
