#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "bases/base.h"
#include "bases/base_kernels.h"

namespace riffle {

/// A base whose maths are compiled kernels. Its parameters start at given values, and are learned
/// or stay there: then the base keeps them, has no parameters and needs no cache.
template <class T, class Settings>
class KernelBase : public Base<T> {
 public:
  KernelBase(std::size_t dim, const ParameterLayout& layout, std::size_t cache_size,
             const Settings& settings, const BaseKernels<T, Settings>& kernels,
             std::vector<T> start, bool learn)
      : Base<T>(dim, learn ? layout : ParameterLayout(), learn ? cache_size : 0),
        settings_(settings),
        kernels_(kernels),
        start_(std::move(start)),
        learn_(learn) {}

 protected:
  void initialise_impl(const RandomStream&, T* params) const override {
    for (std::size_t i = 0; i < start_.size(); ++i) params[i] = start_[i];
  }

 private:
  void sample_impl(const T* params, const RandomStream& stream, std::uint64_t first, Tile<T> z,
                   T* cache) const override {
    kernels_.sample(settings_, own(params), stream, first, z, learn_ ? cache : nullptr);
  }
  void sample_vjp_impl(const T* params, Tile<const T> z, T* cache, Tile<const T> g,
                       T* grad) const override {
    kernels_.sample_vjp(settings_, own(params), z, cache, g, grad);
  }
  void log_density_impl(const T* params, Tile<const T> z, T* log_density) const override {
    kernels_.log_density(settings_, own(params), z, log_density);
  }
  void log_density_vjp_impl(const T* params, Tile<const T> z, const T* weight, Tile<T> g,
                            T* grad) const override {
    kernels_.log_density_vjp(settings_, own(params), z, weight, g, learn_ ? grad : nullptr);
  }

  const T* own(const T* params) const { return learn_ ? params : start_.data(); }

  Settings settings_;
  BaseKernels<T, Settings> kernels_;
  std::vector<T> start_;
  bool learn_;
};

}  // namespace riffle
