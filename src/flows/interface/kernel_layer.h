#pragma once

#include <utility>

#include "flows/interface/flow_kernels.h"
#include "flows/interface/flow_layer.h"

namespace riffle {

/// A layer that is all in its kernels: what remains for it to say is its parameters, their initial
/// values, and where it is injective.
template <class T, class Settings>
class KernelLayer : public FlowLayer<T> {
 protected:
  KernelLayer(std::size_t dim, ParameterLayout parameters, std::size_t cache_size,
              Settings settings, FlowKernels<T, Settings> kernels)
      : FlowLayer<T>(dim, std::move(parameters), cache_size),
        settings_(std::move(settings)),
        kernels_(kernels) {}

  const Settings& settings() const { return settings_; }

 private:
  void forward_impl(const Repeats<T>& repeats, const T* params, Tile<const T> z, Tile<T> y,
                    LogDet<T> log_det, T* cache) const final {
    kernels_.forward(settings_, repeats, params, z, y, log_det, cache);
  }
  void vjp_impl(const Repeats<T>& repeats, const T* params, Tile<const T> z, T* cache, Tile<T> g,
                const T* g_log_det, T* grad) const final {
    kernels_.vjp(settings_, repeats, params, z, cache, g, g_log_det, grad);
  }
  void inverse_impl(const T* params, Tile<const T> y, Tile<T> z, T* log_det, T* cache) const final {
    kernels_.inverse(settings_, params, y, z, log_det, cache);
  }
  void push_score_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g,
                       const T* weight) const final {
    kernels_.push_score(settings_, params, z, cache, g, weight);
  }

  Settings settings_;
  FlowKernels<T, Settings> kernels_;
};

}  // namespace riffle
