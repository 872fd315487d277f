#include "flows/chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace riffle {
namespace {

template <class T>
ParameterLayout joined_parameters(const std::vector<std::unique_ptr<FlowLayer<T>>>& layers) {
  ParameterLayout all;
  for (std::size_t k = 0; k < layers.size(); ++k) {
    all.append(fmt::format("{}.", k), layers[k]->parameters());
  }
  return all;
}

constexpr std::size_t whole_lines(std::size_t elements) {
  return (elements + 15) / 16 * 16;
}

template <class T>
std::size_t joined_cache_size(std::size_t dim,
                              const std::vector<std::unique_ptr<FlowLayer<T>>>& layers) {
  std::size_t size = layers.empty() ? 0 : (layers.size() - 1) * dim * tile_stride;
  for (const auto& layer : layers) size += whole_lines(layer->cache_size());
  return size;
}

}  // namespace

template <class T>
Chain<T>::Chain(std::size_t dim, std::vector<std::unique_ptr<FlowLayer<T>>> layers)
    : FlowLayer<T>(dim, joined_parameters(layers), joined_cache_size(dim, layers)),
      layers_(std::move(layers)) {
  std::size_t parameters = 0;
  std::size_t cache = layers_.empty() ? 0 : (layers_.size() - 1) * dim * tile_stride;
  for (const auto& layer : layers_) {
    parameter_offset_.push_back(parameters);
    cache_offset_.push_back(cache);
    parameters += layer->parameters().size();
    cache += whole_lines(layer->cache_size());
  }
}

template <class T>
std::string_view Chain<T>::no_inverse_reason() const {
  for (const auto& layer : layers_) {
    if (!layer->has_inverse()) return layer->no_inverse_reason();
  }
  return {};
}

template <class T>
void Chain<T>::forward_impl(const T* params, Tile<const T> z, Tile<T> y, LogDet<T> log_det,
                            T* cache) const {
  const std::size_t last = layers_.size();
  if (last == 0) {
    for (std::size_t d = 0; d < z.dim(); ++d) std::copy_n(z.row(d), tile_size, y.row(d));
  }
  const std::span<const T> all(params, this->parameters().size());
  Tile<const T> in = z;
  for (std::size_t k = 0; k < last; ++k) {
    const Tile<T> out = k + 1 == last ? y : state(cache, k, z.count());
    layers_[k]->forward_product(part(all, k), in, out, log_det, cache + cache_offset_[k]);
    in = out;
  }
}

template <class T>
void Chain<T>::vjp_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g, const T* g_log_det,
                        T* grad) const {
  const std::span<const T> all(params, this->parameters().size());
  const std::span<T> all_grad(grad, this->parameters().size());
  for (std::size_t k = layers_.size(); k-- > 0;) {
    const Tile<const T> in =
        k == 0 ? z
               : Tile<const T>(cache + (k - 1) * this->dim() * tile_stride, this->dim(), z.count());
    layers_[k]->vjp(part(all, k), in, cache + cache_offset_[k], g, g_log_det, part(all_grad, k));
  }
}

template <class T>
void Chain<T>::inverse_impl(const T* params, Tile<const T> y, Tile<T> z, T* log_det,
                            T* cache) const {
  if (layers_.empty()) {
    for (std::size_t d = 0; d < z.dim(); ++d) std::copy_n(y.row(d), tile_size, z.row(d));
  }
  const std::span<const T> all(params, this->parameters().size());
  Tile<const T> out = y;
  for (std::size_t k = layers_.size(); k-- > 0;) {
    const Tile<T> in = k == 0 ? z : state(cache, k - 1, y.count());
    layers_[k]->inverse(part(all, k), out, in, log_det, cache + cache_offset_[k]);
    out = in;
  }
}

template <class T>
bool Chain<T>::injective_impl(const T* params) const {
  const std::span<const T> all(params, this->parameters().size());
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    if (!layers_[k]->injective(part(all, k))) return false;
  }
  return true;
}

template <class T>
void Chain<T>::initialise_impl(const RandomStream& stream, T* params) const {
  const std::span<T> all(params, this->parameters().size());
  RandomStream own = stream;
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    own.step = stream.step + k;
    layers_[k]->initialise(own, part(all, k));
  }
}

template class Chain<float>;
template class Chain<double>;
template class Chain<Dual>;

}  // namespace riffle
