#include "flows/interface/chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/whole_lanes.h"

namespace riffle {
namespace {

template <class T>
ParameterLayout joined_parameters(const typename Chain<T>::Layers& layers) {
  ParameterLayout all;
  for (std::size_t k = 0; k < layers.size(); ++k) {
    all.append(fmt::format("{}.", k), layers[k]->parameters());
  }
  return all;
}

template <class T>
std::size_t joined_space_size(const typename Chain<T>::Layers& layers) {
  std::size_t size = 0;
  for (const auto& layer : layers) size = std::max(size, layer->workspace_size());
  return size;
}

template <class T>
std::size_t joined_cache_size(std::size_t dim, const typename Chain<T>::Layers& layers) {
  std::size_t size = layers.empty() ? 0 : (layers.size() - 1) * dim * tile_stride;
  for (const auto& layer : layers) size += whole_lanes(layer->cache_size());
  return size + joined_space_size<T>(layers);
}

}  // namespace

template <class T>
Chain<T>::Chain(std::size_t dim, Layers layers)
    : FlowLayer<T>(dim, joined_parameters<T>(layers), joined_cache_size<T>(dim, layers),
                   joined_space_size<T>(layers)),
      layers_(std::move(layers)) {
  std::size_t parameters = 0;
  std::size_t cache = layers_.empty() ? 0 : (layers_.size() - 1) * dim * tile_stride;
  for (const auto& layer : layers_) {
    parameter_offset_.push_back(parameters);
    cache_offset_.push_back(cache);
    parameters += layer->parameters().size();
    cache += whole_lanes(layer->cache_size());
  }
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    if (k > 0 && layers_[k] == layers_[k - 1]) {
      ++runs_.back().count;
    } else {
      runs_.push_back({k, 1});
    }
  }
}

template <class T>
Repeats<T> Chain<T>::repeats(const Run& run, T* cache, T* workspace) const {
  const auto& layer = *layers_[run.first];
  return {run.count, layer.parameters().size(), whole_lanes(layer.cache_size()),
          cache + run.first * this->dim() * tile_stride, workspace};
}

template <class T>
std::string_view Chain<T>::no_inverse_reason() const {
  for (const auto& layer : layers_) {
    if (!layer->has_inverse()) return layer->no_inverse_reason();
  }
  return {};
}

template <class T>
void Chain<T>::forward_impl(const Repeats<T>& own, const T* params, Tile<const T> z, Tile<T> y,
                            LogDet<T> log_det, T* cache) const {
  Tile<const T> in = z;
  for (std::size_t k = 0; k < own.count; ++k) {
    const Tile<T> out = k + 1 == own.count ? y : state(own.states, k, z.count());
    forward_once(params + k * own.parameters, in, out, log_det, cache + k * own.cache_stride,
                 own.workspace);
    in = out;
  }
}

template <class T>
void Chain<T>::forward_once(const T* params, Tile<const T> z, Tile<T> y, LogDet<T> log_det,
                            T* cache, T* workspace) const {
  if (layers_.empty()) {
    for (std::size_t d = 0; d < z.dim(); ++d) std::copy_n(z.row(d), tile_size, y.row(d));
  }
  Tile<const T> in = z;
  for (const auto& run : runs_) {
    const std::size_t last = run.first + run.count - 1;
    const Tile<T> out = last + 1 == layers_.size() ? y : state(cache, last, z.count());
    layers_[run.first]->forward_repeats(repeats(run, cache, workspace),
                                        params + parameter_offset_[run.first], in, out, log_det,
                                        cache + cache_offset_[run.first]);
    in = out;
  }
}

template <class T>
void Chain<T>::vjp_impl(const Repeats<T>& own, const T* params, Tile<const T> z, T* cache,
                        Tile<T> g, const T* g_log_det, T* grad) const {
  for (std::size_t k = own.count; k-- > 0;) {
    const Tile<const T> in = k == 0 ? z : state(own.states, k - 1, z.count());
    vjp_once(params + k * own.parameters, in, cache + k * own.cache_stride, g, g_log_det,
             grad + k * own.parameters, own.workspace, own.input_cotangent || k > 0);
  }
}

template <class T>
void Chain<T>::vjp_once(const T* params, Tile<const T> z, T* cache, Tile<T> g, const T* g_log_det,
                        T* grad, T* workspace, bool input_cotangent) const {
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    const Tile<const T> in = run->first == 0 ? z : state(cache, run->first - 1, z.count());
    auto repeated = repeats(*run, cache, workspace);
    repeated.input_cotangent = input_cotangent || run->first > 0;
    layers_[run->first]->vjp_repeats(repeated, params + parameter_offset_[run->first], in,
                                     cache + cache_offset_[run->first], g, g_log_det,
                                     grad + parameter_offset_[run->first]);
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
void Chain<T>::push_score_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g,
                               const T* weight) const {
  const std::span<const T> all(params, this->parameters().size());
  Tile<const T> in = z;
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    layers_[k]->push_score(part(all, k), in, cache + cache_offset_[k], g, weight);
    if (k + 1 < layers_.size()) in = state(cache, k, z.count());
  }
}

template <class T>
void Chain<T>::inverse_vjp_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g,
                                const T* g_log_det, T* grad, T* scratch) const {
  const auto size = this->parameters().size();
  const std::span<const T> all(params, size);
  Tile<const T> in = z;
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    layers_[k]->inverse_vjp(part(all, k), in, cache + cache_offset_[k], g, g_log_det,
                            part(std::span<T>(grad, size), k), scratch);
    if (k + 1 < layers_.size()) in = state(cache, k, z.count());
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

template <class T>
void Chain<T>::adapt_impl(Direction direction, std::span<TileBuffer<T>> batch, T* params) const {
  const std::span<T> all(params, this->parameters().size());
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::size_t k = direction == Direction::forward ? i : layers_.size() - 1 - i;
    layers_[k]->adapt(direction, batch, part(all, k));
  }
}

template class Chain<float>;
template class Chain<double>;
template class Chain<Dual>;

}  // namespace riffle
