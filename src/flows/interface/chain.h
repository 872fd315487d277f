#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "flows/interface/flow_layer.h"

namespace riffle {

/// The composition f_K ∘ … ∘ f_1: a layer made of layers. Its parameters are theirs, in order;
/// their names are prefixed with "k." for k = 0 … K-1. An empty chain is the identity.
template <class T>
class Chain final : public FlowLayer<T> {
 public:
  using Layers = std::vector<std::shared_ptr<const FlowLayer<T>>>;

  /// The same layer object may stand in several places, each with parameters of its own; where it
  /// does so in a row, the tile goes through all of them in one call.
  Chain(std::size_t dim, Layers layers);

  std::size_t length() const { return layers_.size(); }
  const FlowLayer<T>& layer(std::size_t k) const { return *layers_[k]; }
  /// The part of the chain's parameters (or gradient) that belongs to layer k.
  template <class U>
  std::span<U> part(std::span<U> params, std::size_t k) const {
    return params.subspan(parameter_offset_[k], layers_[k]->parameters().size());
  }

  std::string_view no_inverse_reason() const override;

 private:
  /// Places in a row that are taken by one layer object.
  struct Run {
    std::size_t first;
    std::size_t count;
  };

  // Cache: the output of each layer but the last, one tile each; the layers' own caches; the
  // workspace that they share.
  Tile<T> state(T* cache, std::size_t k, std::size_t count) const {
    return {cache + k * this->dim() * tile_stride, this->dim(), count};
  }
  Repeats<T> repeats(const Run& run, T* cache, T* workspace) const;
  void forward_once(const T* params, Tile<const T> z, Tile<T> y, LogDet<T> log_det, T* cache,
                    T* workspace) const;
  void vjp_once(const T* params, Tile<const T> z, T* cache, Tile<T> g, const T* g_log_det, T* grad,
                T* workspace, bool input_cotangent) const;

  void forward_impl(const Repeats<T>& own, const T* params, Tile<const T> z, Tile<T> y,
                    LogDet<T> log_det, T* cache) const override;
  void vjp_impl(const Repeats<T>& own, const T* params, Tile<const T> z, T* cache, Tile<T> g,
                const T* g_log_det, T* grad) const override;
  void inverse_impl(const T* params, Tile<const T> y, Tile<T> z, T* log_det,
                    T* cache) const override;
  void push_score_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g,
                       const T* weight) const override;
  void inverse_vjp_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g, const T* g_log_det,
                        T* grad, T* scratch) const override;
  bool injective_impl(const T* params) const override;
  void initialise_impl(const RandomStream& stream, T* params) const override;
  void adapt_impl(Direction direction, std::span<TileBuffer<T>> batch, T* params) const override;

  Layers layers_;
  std::vector<Run> runs_;
  std::vector<std::size_t> parameter_offset_;
  std::vector<std::size_t> cache_offset_;
};

}  // namespace riffle
