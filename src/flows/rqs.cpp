#include "flows/rqs.h"

#include <algorithm>
#include <cmath>

#include "flows/interface/kernel_layer.h"
#include "flows/transformers/settings.h"

namespace riffle {
namespace {

struct RqsOfEachSettings {
  RqsSettings transformer;
  std::size_t dim;

  std::size_t parameters() const { return dim * transformer.parameters(); }
  // Cache: the numbers for each sample, what the transformer keeps, and the cotangents of the
  // parameters.
  std::size_t kept_at() const { return parameters() * tile_stride; }
  std::size_t cotangents_at() const { return kept_at() + dim * transformer.kept() * tile_stride; }
  std::size_t cache_size() const { return cotangents_at() + parameters() * tile_stride; }
};

template <class T>
using RqsOfEachKernels = FlowKernels<T, RqsOfEachSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/rqs.inc"
#define RIFFLE_CLASS RqsOfEachRepeated
#define RIFFLE_KERNELS RqsOfEachKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::string_view variants[] = {
    "bins=3, bound=1.5",
    "bins=2",
    "bins=4, bound=3, least-bin=0.05, least-slope=0.2",
};

ParameterLayout layout(const RqsOfEachSettings& settings) {
  ParameterLayout views;
  views.add("theta", "θ ∈ R^{D×(3K-1)}, raw widths, heights and inner slopes",
            {settings.dim, settings.transformer.parameters()});
  return views;
}

template <class T>
class RqsLayer final : public KernelLayer<T, RqsOfEachSettings> {
 public:
  RqsLayer(const LayerOptions& options, const RqsOfEachSettings& settings)
      : KernelLayer<T, RqsOfEachSettings>(options.dim, layout(settings), settings.cache_size(),
                                          settings, kernels_for<T>(options.set)) {}

 private:
  bool injective_impl(const T* params) const override {
    return std::all_of(params, params + this->parameters().size(), [](T p) {
      using std::isfinite;
      return isfinite(p);
    });
  }
  void initialise_impl(const RandomStream&, T* params) const override {
    std::fill_n(params, this->parameters().size(), T(0));
  }
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<RqsLayer<T>>(
      options, RqsOfEachSettings{RqsSettings(options.arguments), options.dim});
}

}  // namespace

const FlowEntry rqs_entry{
    .name = "rqs",
    .summary = "each coordinate goes through a spline of its own (Durkan et al. 2019)",
    .cost = "O(D)",
    .inversion = "in closed form, by a quadratic equation in the bin",
    .options = RqsSettings::options,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
