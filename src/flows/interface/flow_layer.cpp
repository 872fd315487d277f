#include "flows/interface/flow_layer.h"

#include <array>
#include <cassert>
#include <cmath>
#include <utility>

#include "core/whole_lanes.h"

namespace riffle {

template <class T>
void FlowLayer<T>::forward(std::span<const T> params, Tile<const T> z, Tile<T> y, T* log_det,
                           T* cache) const {
  using std::log;
  alignas(64) std::array<T, tile_size> product;
  product.fill(T(1));
  forward_product(params, z, y, {log_det, product.data()}, cache);
  for (std::size_t s = 0; s < z.count(); ++s) log_det[s] += log(product[s]);
}

template <class T>
void FlowLayer<T>::forward_product(std::span<const T> params, Tile<const T> z, Tile<T> y,
                                   LogDet<T> log_det, T* cache) const {
  assert(params.size() == parameters_.size() && z.dim() == dim_ && y.dim() == dim_);
  assert(z.count() == y.count() && z.data() != y.data());
  forward_impl(once(cache), params.data(), z, y, log_det, cache);
}

template <class T>
void FlowLayer<T>::forward_repeats(const Repeats<T>& repeats, const T* params, Tile<const T> z,
                                   Tile<T> y, LogDet<T> log_det, T* cache) const {
  assert(z.dim() == dim_ && y.dim() == dim_ && z.count() == y.count() && z.data() != y.data());
  assert(repeats.count >= 1 && repeats.parameters == parameters_.size());
  forward_impl(repeats, params, z, y, log_det, cache);
}

template <class T>
void FlowLayer<T>::vjp_repeats(const Repeats<T>& repeats, const T* params, Tile<const T> z,
                               T* cache, Tile<T> g, const T* g_log_det, T* grad) const {
  assert(z.dim() == dim_ && g.dim() == dim_ && z.count() == g.count());
  assert(repeats.count >= 1 && repeats.parameters == parameters_.size());
  vjp_impl(repeats, params, z, cache, g, g_log_det, grad);
}

template <class T>
void FlowLayer<T>::vjp(std::span<const T> params, Tile<const T> z, T* cache, Tile<T> g,
                       const T* g_log_det, std::span<T> grad) const {
  assert(params.size() == parameters_.size() && grad.size() == parameters_.size());
  assert(z.dim() == dim_ && g.dim() == dim_ && z.count() == g.count());
  vjp_impl(once(cache), params.data(), z, cache, g, g_log_det, grad.data());
}

template <class T>
void FlowLayer<T>::parameter_vjp(std::span<const T> params, Tile<const T> z, T* cache, Tile<T> g,
                                 const T* g_log_det, std::span<T> grad) const {
  assert(params.size() == parameters_.size() && grad.size() == parameters_.size());
  assert(z.dim() == dim_ && g.dim() == dim_ && z.count() == g.count());
  auto repeats = once(cache);
  repeats.input_cotangent = false;
  vjp_impl(repeats, params.data(), z, cache, g, g_log_det, grad.data());
}

template <class T>
void FlowLayer<T>::inverse(std::span<const T> params, Tile<const T> y, Tile<T> z, T* log_det,
                           T* cache) const {
  assert(params.size() == parameters_.size() && z.dim() == dim_ && y.dim() == dim_);
  assert(has_inverse() && z.count() == y.count() && z.data() != y.data());
  inverse_impl(params.data(), y, z, log_det, cache);
}

template <class T>
void FlowLayer<T>::push_score(std::span<const T> params, Tile<const T> z, T* cache, Tile<T> g,
                              const T* weight) const {
  assert(params.size() == parameters_.size() && z.dim() == dim_ && g.dim() == dim_);
  assert(has_inverse() && z.count() == g.count());
  push_score_impl(params.data(), z, cache, g, weight);
}

template <class T>
void FlowLayer<T>::inverse_vjp(std::span<const T> params, Tile<const T> z, T* cache, Tile<T> g,
                               const T* g_log_det, std::span<T> grad, T* scratch) const {
  assert(params.size() == parameters_.size() && grad.size() == parameters_.size());
  assert(z.dim() == dim_ && g.dim() == dim_ && has_inverse() && z.count() == g.count());
  inverse_vjp_impl(params.data(), z, cache, g, g_log_det, grad.data(), scratch);
}

// With z = f⁻¹(y): ∂z/∂y = J⁻¹ and ∂z/∂θ = -J⁻¹ ∂f/∂θ, and the log-det of f⁻¹ is -log_det(z). So
//   ȳ = J⁻ᵀ (z̄ - l̄ ∇_z log_det),
//   θ̄ = the parameters' part of the vjp of f for the cotangents -ȳ of y and -l̄ of log_det.
template <class T>
void FlowLayer<T>::inverse_vjp_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g,
                                    const T* g_log_det, T* grad, T* scratch) const {
  push_score_impl(params, z, cache, g, g_log_det);
  const Tile<T> minus_g(scratch, dim_, z.count());
  T* const minus_g_log_det = scratch + dim_ * tile_stride;
  const std::size_t lanes = whole_lanes(z.count());
  for (std::size_t d = 0; d < dim_; ++d) {
    for (std::size_t s = 0; s < lanes; ++s) minus_g.row(d)[s] = -g.row(d)[s];
  }
  for (std::size_t s = 0; s < lanes; ++s) minus_g_log_det[s] = -g_log_det[s];
  vjp_impl(once(cache), params, z, cache, minus_g, minus_g_log_det, grad);
}

template <class T>
void FlowLayer<T>::adapt(Direction direction, std::span<TileBuffer<T>> batch,
                         std::span<T> params) const {
  assert(params.size() == parameters_.size());
  adapt_impl(direction, batch, params.data());
}

template <class T>
void FlowLayer<T>::adapt_impl(Direction direction, std::span<TileBuffer<T>> batch,
                              T* params) const {
  const std::span<const T> own(params, parameters_.size());
  TileBuffer<T> out(dim_);
  AlignedVector<T> cache(cache_size_);
  alignas(64) std::array<T, tile_size> log_det{};
  for (auto& in : batch) {
    if (direction == Direction::forward) {
      forward(own, in.view(), out.view(), log_det.data(), cache.data());
    } else {
      inverse(own, in.view(), out.view(), log_det.data(), cache.data());
    }
    std::swap(in, out);
  }
}

template <class T>
bool FlowLayer<T>::injective(std::span<const T> params) const {
  assert(params.size() == parameters_.size());
  return injective_impl(params.data());
}

template <class T>
void FlowLayer<T>::initialise(const RandomStream& stream, std::span<T> params) const {
  assert(params.size() == parameters_.size());
  initialise_impl(stream, params.data());
}

template class FlowLayer<float>;
template class FlowLayer<double>;
template class FlowLayer<Dual>;

}  // namespace riffle
