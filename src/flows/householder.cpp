#include "flows/householder.h"

#include <cmath>

#include "core/whole_lanes.h"
#include "flows/interface/kernel_layer.h"

namespace riffle {
namespace {

/// Sizes, and where things are in the cache: the unit vectors and the lengths of the v_k; then
/// vjp's own: a unit vector's cotangent, two rows, and the outputs of the reflections, one tile.
struct HouseholderSettings {
  std::size_t dim;
  std::size_t reflections;

  template <class T>
  T* unit(T* cache, std::size_t k) const {
    return cache + k * dim;
  }
  template <class T>
  T* lengths(T* cache) const {
    return cache + reflections * dim;
  }
  template <class T>
  T* unit_cotangent(T* cache) const {
    return lengths(cache) + reflections;
  }
  template <class T>
  T* scratch(T* cache) const {
    return cache + whole_lanes(reflections * dim + reflections + dim);
  }
  template <class T>
  T* outputs(T* cache) const {
    return scratch(cache) + 2 * tile_stride;
  }
  std::size_t cache_size() const {
    return whole_lanes(reflections * dim + reflections + dim) + (2 + dim) * tile_stride;
  }
};

template <class T>
using HouseholderKernels = FlowKernels<T, HouseholderSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/householder.inc"
#define RIFFLE_CLASS HouseholderRepeated
#define RIFFLE_KERNELS HouseholderKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr Option options_of_householder[] = {
    {"reflections", "2", "how many; D of them reach every rotation or every reflection",
     Values::whole(1, 65536)},
};
constexpr std::string_view variants[] = {"", "reflections=3"};

HouseholderSettings settings_of(const LayerOptions& options) {
  return {options.dim, options.arguments.whole("reflections")};
}

ParameterLayout layout(const HouseholderSettings& settings) {
  ParameterLayout views;
  views.add("v", "v_k ∈ R^D, k = 1 … K", {settings.reflections, settings.dim});
  return views;
}

template <class T>
class HouseholderLayer final : public KernelLayer<T, HouseholderSettings> {
 public:
  HouseholderLayer(const HouseholderSettings& settings, InstructionSet set)
      : KernelLayer<T, HouseholderSettings>(settings.dim, layout(settings), settings.cache_size(),
                                            settings, kernels_for<T>(set)) {}

 private:
  bool injective_impl(const T*) const override { return true; }
  /// Random directions, two by two the same: an even number of reflections starts as the identity,
  /// an odd one as the last reflection.
  void initialise_impl(const RandomStream& stream, T* params) const override {
    const std::size_t dim = this->dim();
    for (std::size_t k = 0; k < this->settings().reflections; ++k) {
      for (std::size_t d = 0; d < dim; ++d) {
        params[k * dim + d] =
            T(2 * stream.uniform(static_cast<std::uint32_t>(d), static_cast<std::uint32_t>(k / 2)) -
              1);
      }
    }
  }
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<HouseholderLayer<T>>(settings_of(options), options.set);
}

}  // namespace

const FlowEntry householder_entry{
    .name = "householder",
    .summary = "a product of Householder reflections, orthogonal (Tomczak & Welling 2016)",
    .cost = "O(D · reflections)",
    .inversion = "by the reflections in reverse order",
    .options = options_of_householder,
    .least_dim = 2,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
