#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/aligned.h"
#include "core/executor.h"
#include "core/philox.h"
#include "model/draws.h"
#include "model/flow_model.h"
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
  /// Copies the draws of the tile to places `first` ... of `draws`; ln p only where it has room.
  void store(Draws& draws, std::uint64_t first, std::size_t count) const {
    for (std::size_t s = 0; s < count; ++s) {
      double* const to = &draws.z[(first + s) * draws.dim];
      for (std::size_t d = 0; d < draws.dim; ++d) to[d] = static_cast<double>(z.view()(d, s));
      draws.log_q[first + s] = static_cast<double>(log_q0[s]) - static_cast<double>(log_det[s]);
      if (!draws.log_p.empty()) draws.log_p[first + s] = static_cast<double>(log_p[s]);
    }
  }
};

/// One for each thread.
template <class T>
std::vector<std::unique_ptr<Pipeline<T>>> pipelines_for(const FlowModel<T>& model,
                                                        const Executor& executor) {
  std::vector<std::unique_ptr<Pipeline<T>>> all;
  for (std::size_t i = 0; i < executor.threads(); ++i) {
    all.push_back(std::make_unique<Pipeline<T>>(model));
  }
  return all;
}

}  // namespace riffle
