#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "core/whole_lanes.h"
#include "flows/flow_layer.h"

namespace riffle {

/// The inverse g = f⁻¹ of another layer, x = g(v) with v = f(x). By the implicit function theorem
/// ∂g/∂v = J⁻¹ and ∂g/∂θ = -J⁻¹ ∂f/∂θ with J = ∂f/∂x, and ln|det ∂g/∂v| = -ln|det J|(x), so that
///
///   vjp:         v̄ = J⁻ᵀ (x̄ - l̄ ∇_x ln|det J|), which is push_score of f;
///                θ̄ = the parameters' part of the vjp of f, of the cotangents -v̄ and -l̄
///   push_score:  J_g⁻ᵀ (v̄ - l̄ ∇_v ln|det ∂g/∂v|) = Jᵀ v̄ + l̄ ∇_x ln|det J|, the vjp of f
///
/// Whether f is inverted in closed form or by iteration makes no difference to the gradients.
template <class T>
class InverseLayer final : public FlowLayer<T> {
 public:
  explicit InverseLayer(std::unique_ptr<FlowLayer<T>> layer)
      : FlowLayer<T>(layer->dim(), layer->parameters(),
                     2 * layer->dim() * tile_stride + tile_stride +
                         whole_lanes(layer->parameters().size()) + layer->cache_size()),
        layer_(std::move(layer)) {}

 private:
  // No two in a row are one object (period 0), so `repeats` is always one.
  // Cache: x; then -v̄; then -l̄; then gradients that nobody asked for; then f's own.
  Tile<T> x(T* cache, std::size_t count) const { return {cache, this->dim(), count}; }
  Tile<T> scratch(T* cache, std::size_t count) const {
    return {cache + this->dim() * tile_stride, this->dim(), count};
  }
  T* minus_weight(T* cache) const { return cache + 2 * this->dim() * tile_stride; }
  T* unwanted(T* cache) const { return minus_weight(cache) + tile_stride; }
  T* own(T* cache) const { return unwanted(cache) + whole_lanes(this->parameters().size()); }
  std::span<const T> all(const T* params) const { return {params, this->parameters().size()}; }

  void forward_impl(const Repeats<T>&, const T* params, Tile<const T> z, Tile<T> y,
                    LogDet<T> log_det, T* cache) const override {
    const auto out = x(cache, z.count());
    layer_->inverse(all(params), z, out, log_det.sum, own(cache));
    copy(out, y);
  }
  void vjp_impl(const Repeats<T>&, const T* params, Tile<const T> z, T* cache, Tile<T> g,
                const T* g_log_det, T* grad) const override {
    const auto out = x(cache, z.count());
    layer_->push_score(all(params), out, own(cache), g, g_log_det);
    const auto minus_g = scratch(cache, z.count());
    for (std::size_t d = 0; d < this->dim(); ++d) negate(g.row(d), minus_g.row(d));
    negate(g_log_det, minus_weight(cache));
    layer_->vjp(all(params), out, own(cache), minus_g, minus_weight(cache),
                {grad, this->parameters().size()});
  }
  void push_score_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g,
                       const T* weight) const override {
    layer_->vjp(all(params), x(cache, z.count()), own(cache), g, weight,
                {unwanted(cache), this->parameters().size()});
  }
  void inverse_impl(const T* params, Tile<const T> y, Tile<T> z, T* log_det,
                    T* cache) const override {
    copy(y, x(cache, y.count()));
    layer_->forward(all(params), y, z, log_det, own(cache));
  }
  bool injective_impl(const T* params) const override { return layer_->injective(all(params)); }
  void initialise_impl(const RandomStream& stream, T* params) const override {
    layer_->initialise(stream, {params, this->parameters().size()});
  }
  void adapt_impl(Direction direction, std::span<TileBuffer<T>> batch, T* params) const override {
    layer_->adapt(direction == Direction::forward ? Direction::inverse : Direction::forward, batch,
                  {params, this->parameters().size()});
  }

  static void copy(Tile<const T> from, Tile<T> to) {
    for (std::size_t d = 0; d < from.dim(); ++d) std::copy_n(from.row(d), tile_size, to.row(d));
  }
  static void negate(const T* from, T* to) {
    for (std::size_t s = 0; s < tile_size; ++s) to[s] = -from[s];
  }

  std::unique_ptr<FlowLayer<T>> layer_;
};

}  // namespace riffle
