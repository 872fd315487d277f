#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/aligned.h"
#include "core/philox.h"
#include "flows/flow_model.h"
#include "riffle/tile.h"
#include "targets/density.h"

namespace riffle {

/// Room for taking one tile of draws through base, flow and target.
template <class T>
struct Pipeline {
  explicit Pipeline(const FlowModel<T>& model)
      : z0(model.dim()),
        z(model.dim()),
        gradient(model.dim()),
        cache(model.flow().cache_size()),
        base_cache(model.base().cache_size()) {}

  TileBuffer<T> z0;
  TileBuffer<T> z;
  TileBuffer<T> gradient;
  AlignedVector<T> cache;
  AlignedVector<T> base_cache;
  alignas(64) std::array<T, tile_size> log_q0{};
  alignas(64) std::array<T, tile_size> log_det{};
  alignas(64) std::array<T, tile_size> log_p{};

  /// z0 from the base.
  void sample(const FlowModel<T>& model, std::span<const T> params, const RandomStream& stream,
              std::uint64_t first, std::size_t count) {
    model.base().sample(model.base_part(params), stream, first, z0.view(count), base_cache.data());
  }
  /// From z0, as it was drawn or as somebody has moved it, to the densities.
  void push(const FlowModel<T>& model, const Density<T>* target, std::span<const T> params,
            std::size_t count) {
    model.base().log_density(model.base_part(params), z0.view(count), log_q0.data());
    log_det.fill(T(0));
    model.flow().forward(model.flow_part(params), z0.view(count), z.view(count), log_det.data(),
                         cache.data());
    if (target != nullptr) target->evaluate(z.view(count), log_p.data(), gradient.view(count));
  }
};

}  // namespace riffle
