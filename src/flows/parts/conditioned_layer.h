#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "flows/interface/flow_kernels.h"
#include "flows/interface/flow_layer.h"
#include "nets/mlp.h"

namespace riffle {

/// A layer whose parameters are those of one net, `settings.net`, and whose maths is compiled
/// elsewhere: coupling and autoregressive layers. Kernels may know a vjp of the inverse.
template <class T, class Settings, class Kernels = FlowKernels<T, Settings>>
class ConditionedLayer final : public FlowLayer<T> {
 public:
  ConditionedLayer(const LayerOptions& options, const Settings& settings, const Kernels& kernels)
      : FlowLayer<T>(options.dim, layout(settings.net), settings.cache_size(),
                     settings.workspace_size()),
        settings_(settings),
        kernels_(kernels) {}

 private:
  static ParameterLayout layout(const MlpShape& net) {
    ParameterLayout views;
    add_mlp_parameters(views, net, "net.");
    return views;
  }

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
  void inverse_vjp_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g, const T* g_log_det,
                        T* grad, T* scratch) const override {
    if constexpr (requires { &Kernels::inverse_vjp; }) {
      kernels_.inverse_vjp(settings_, params, z, cache, g, g_log_det, grad);
    } else {
      FlowLayer<T>::inverse_vjp_impl(params, z, cache, g, g_log_det, grad, scratch);
    }
  }
  /// Transformers rise whatever their numbers are, as long as these are numbers.
  bool injective_impl(const T* params) const override {
    return std::all_of(params, params + this->parameters().size(), [](T p) {
      using std::isfinite;
      return isfinite(p);
    });
  }
  void initialise_impl(const RandomStream& stream, T* params) const override {
    initialise_mlp(stream, settings_.net, params);
  }

  Settings settings_;
  Kernels kernels_;
};

}  // namespace riffle
