#include "flows/planar.h"

#include <algorithm>
#include <cmath>

#include "flows/interface/flow_kernels.h"
#include "nets/mlp.h"

namespace riffle {

struct PlanarSettings {
  bool constrained;
  double log_det_floor;
};

namespace {

template <class T>
using PlanarKernels = FlowKernels<T, PlanarSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/planar.inc"
#define RIFFLE_CLASS PlanarRepeated
#define RIFFLE_KERNELS PlanarKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

ParameterLayout layout(std::size_t dim) {
  ParameterLayout views;
  views.add("w", "w ∈ R^D", {dim});
  views.add("u", "u ∈ R^D", {dim});
  views.add("b", "b ∈ R", {1});
  return views;
}

template <class T>
class PlanarLayer final : public FlowLayer<T> {
 public:
  PlanarLayer(const LayerOptions& options, bool constrained)
      : FlowLayer<T>(options.dim, layout(options.dim), 2 * tile_stride + 3 * options.dim + 9),
        settings_{constrained, options.log_det_floor},
        spread_(options.arguments.number("spread")),
        kernels_(kernels_for<T>(options.set)) {}

 private:
  void forward_impl(const Repeats<T>& repeats, const T* params, Tile<const T> z, Tile<T> y,
                    LogDet<T> log_det, T* cache) const override {
    kernels_.forward(settings_, repeats, params, z, y, log_det, cache);
  }
  void vjp_impl(const Repeats<T>& repeats, const T* params, Tile<const T> z, T* cache, Tile<T> g,
                const T* g_log_det, T* grad) const override {
    kernels_.vjp(settings_, repeats, params, z, cache, g, g_log_det, grad);
  }
  void inverse_impl(const T* params, Tile<const T> y, Tile<T> z, T* log_det,
                    T* cache) const override {
    kernels_.inverse(settings_, params, y, z, log_det, cache);
  }
  void push_score_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g,
                       const T* weight) const override {
    kernels_.push_score(settings_, params, z, cache, g, weight);
  }
  bool injective_impl(const T* params) const override {
    if (settings_.constrained) return true;
    const std::size_t dim = this->dim();
    T dot = T(0);
    for (std::size_t d = 0; d < dim; ++d) dot += params[d] * params[dim + d];
    return T(-1) <= dot;
  }
  /// U(-spread, spread) for every number; the tutorial's is 0.01.
  void initialise_impl(const RandomStream& stream, T* params) const override {
    for (std::size_t i = 0; i < this->parameters().size(); ++i) {
      params[i] = T(2 * spread_ * stream.uniform(static_cast<std::uint32_t>(i), 0) - spread_);
    }
  }

  PlanarSettings settings_;
  double spread_;
  PlanarKernels<T> kernels_;
};

template <class T, bool constrained>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<PlanarLayer<T>>(options, constrained);
}

constexpr Option options[] = {
    {"spread", "0.01", "numbers start uniform on (-spread, spread); wider starts differ more",
     Values::number_above(0)}};

}  // namespace

const FlowEntry planar_entry{
    .name = "planar",
    .summary = "z + û tanh(wᵀz + b), û kept so that the map is injective (Rezende & Mohamed 2015)",
    .cost = "O(D)",
    .inversion = "by a bracketed Newton method in one dimension",
    .options = options,
    .log_det_floor = true,
    .make_float = &make<float, true>,
    .make_double = &make<double, true>,
    .make_dual = &make<Dual, true>,
};

const FlowEntry planar_free_entry{
    .name = "planar-free",
    .summary = "z + u tanh(wᵀz + b) without the constraint, as in the tutorial",
    .cost = "O(D)",
    .inversion = "as planar, while wᵀu >= -1",
    .options = options,
    .log_det_floor = true,
    .make_float = &make<float, false>,
    .make_double = &make<double, false>,
    .make_dual = &make<Dual, false>,
};

}  // namespace riffle
