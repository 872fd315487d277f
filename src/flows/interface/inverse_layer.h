#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "core/whole_lanes.h"
#include "flows/interface/flow_layer.h"

namespace riffle {

/// The inverse of another layer, f⁻¹: each method is that of the other direction. Its gradients are
/// those of the implicit function theorem (FlowLayer::inverse_vjp), and
///   push_score:  (∂z/∂y)⁻ᵀ (g - w ∇_y ln|det ∂z/∂y|) = Jᵀ g + w ∇_z ln|det J|, the vjp of f.
template <class T>
class InverseLayer final : public FlowLayer<T> {
 public:
  /// Of a layer that has an inverse.
  explicit InverseLayer(std::unique_ptr<FlowLayer<T>> layer)
      : FlowLayer<T>(layer->dim(), layer->parameters(),
                     layer->dim() * tile_stride + layer->inverse_vjp_scratch() +
                         whole_lanes(layer->parameters().size()) + layer->cache_size()),
        layer_(std::move(layer)) {}

 private:
  // Cache: z = f⁻¹(y), which f calls its input; scratch; gradients that nobody asked for; f's own.
  Tile<T> image(T* cache, std::size_t count) const { return {cache, this->dim(), count}; }
  T* scratch(T* cache) const { return cache + this->dim() * tile_stride; }
  T* unwanted(T* cache) const { return scratch(cache) + layer_->inverse_vjp_scratch(); }
  T* own(T* cache) const { return unwanted(cache) + whole_lanes(this->parameters().size()); }
  std::span<const T> all(const T* params) const { return {params, this->parameters().size()}; }
  std::span<T> all(T* grad) const { return {grad, this->parameters().size()}; }

  // Place by place, as chains ask for no two in a row at once (period 0).
  void forward_impl(const Repeats<T>&, const T* params, Tile<const T> y, Tile<T> z,
                    LogDet<T> log_det, T* cache) const override {
    const auto kept = image(cache, y.count());
    layer_->inverse(all(params), y, kept, log_det.sum, own(cache));
    copy(kept, z);
  }
  void vjp_impl(const Repeats<T>&, const T* params, Tile<const T> y, T* cache, Tile<T> g,
                const T* g_log_det, T* grad) const override {
    layer_->inverse_vjp(all(params), image(cache, y.count()), own(cache), g, g_log_det, all(grad),
                        scratch(cache));
  }
  void inverse_impl(const T* params, Tile<const T> z, Tile<T> y, T* log_det,
                    T* cache) const override {
    copy(z, image(cache, z.count()));
    layer_->forward(all(params), z, y, log_det, own(cache));
  }
  void inverse_vjp_impl(const T* params, Tile<const T> y, T* cache, Tile<T> g, const T* g_log_det,
                        T* grad, T*) const override {
    layer_->vjp(all(params), image(cache, y.count()), own(cache), g, g_log_det, all(grad));
  }
  void push_score_impl(const T* params, Tile<const T> y, T* cache, Tile<T> g,
                       const T* weight) const override {
    layer_->vjp(all(params), image(cache, y.count()), own(cache), g, weight, all(unwanted(cache)));
  }
  bool injective_impl(const T* params) const override { return layer_->injective(all(params)); }
  void initialise_impl(const RandomStream& stream, T* params) const override {
    layer_->initialise(stream, all(params));
  }
  void adapt_impl(Direction direction, std::span<TileBuffer<T>> batch, T* params) const override {
    layer_->adapt(direction == Direction::forward ? Direction::inverse : Direction::forward, batch,
                  all(params));
  }

  static void copy(Tile<const T> from, Tile<T> to) {
    for (std::size_t d = 0; d < from.dim(); ++d) std::copy_n(from.row(d), tile_size, to.row(d));
  }

  std::unique_ptr<FlowLayer<T>> layer_;
};

}  // namespace riffle
