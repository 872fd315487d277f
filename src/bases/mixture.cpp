#include "bases/mixture.h"

#include <cmath>
#include <limits>

#include "bases/kernel_base.h"
#include "core/whole_lanes.h"

namespace riffle {
namespace {

/// The dim word of the random number that picks a component: coordinates come nowhere near it.
constexpr std::uint32_t component_word = 0xFFFFFFFF;

struct MixtureSettings {
  static constexpr std::size_t widest = whole_lanes(1);
  std::size_t components;

  /// For sample_vjp, which needs more than sample; see Room in mixture.inc.
  std::size_t cache_size(std::size_t dim) const {
    const std::size_t shares = (dim + 1) * components;
    const std::size_t sums = components * (1 + 2 * dim);
    return whole_lanes(components * dim) + widest * (shares + (dim + 1) + 2 * components + sums);
  }
};

template <class T>
using MixtureKernels = BaseKernels<T, MixtureSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "bases/normal_prelude.inc"
#define RIFFLE_MATHS "bases/mixture.inc"
#define RIFFLE_CLASS Mixture
#define RIFFLE_KERNELS MixtureKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

ParameterLayout layout(std::size_t components, std::size_t dim) {
  ParameterLayout views;
  views.add("logits", "a ∈ R^K, π = softmax a", {components});
  views.add("mean", "m_kd", {components, dim});
  views.add("log_sd", "λ_kd = ln s_kd", {components, dim});
  return views;
}

template <class T>
class MixtureBase final : public KernelBase<T, MixtureSettings> {
 public:
  MixtureBase(const BaseOptions& options, MixtureSettings settings)
      : KernelBase<T, MixtureSettings>(options.dim, layout(settings.components, options.dim),
                                       settings.cache_size(options.dim), settings,
                                       kernels_for<T>(options.set), {}, true),
        components_(settings.components),
        spread_(options.arguments.number("spread")) {}

 private:
  /// Equal weights, means from U(-spread, spread), standard deviations of 1.
  void initialise_impl(const RandomStream& stream, T* params) const override {
    const std::size_t means = components_ * this->dim();
    for (std::size_t k = 0; k < components_; ++k) params[k] = T(0);
    for (std::size_t i = 0; i < means; ++i) {
      const double u = stream.uniform(static_cast<std::uint32_t>(i), 0);
      params[components_ + i] = T(spread_ * (2 * u - 1));
      params[components_ + means + i] = T(0);
    }
  }

  std::size_t components_;
  double spread_;
};

template <class T>
std::unique_ptr<Base<T>> make(const BaseOptions& options) {
  return std::make_unique<MixtureBase<T>>(options,
                                          MixtureSettings{options.arguments.whole("components")});
}

constexpr Option options[] = {
    {"components", "4", "how many", Values::whole(1, 4096)},
    {"spread", "2", "the means start uniform between -spread and spread"},
};

constexpr std::string_view variants[] = {"", "components=1", "components=2, spread=5",
                                         "components=7"};

}  // namespace

const BaseEntry mixture_entry{
    .name = "mixture",
    .summary = "normals with independent coordinates, their weights, means and ln s learned",
    .options = options,
    .variants = variants,
    .implicit = true,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
