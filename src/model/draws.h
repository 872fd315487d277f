#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/executor.h"
#include "model/flow_model.h"
#include "targets/density.h"

namespace riffle {

/// Draws of the flow: z row-major [n][dim], with their log densities.
struct Draws {
  std::size_t dim = 0;
  std::vector<double> z;
  std::vector<double> log_q;
  std::vector<double> log_p;  ///< unnormalised; empty where there was no target
};

/// Draws first ... first + n - 1 of the stream; `first` is a multiple of `tile_size`. The result
/// does not depend on the number of threads.
template <class T>
Draws draw(const FlowModel<T>& model, const Density<T>* target, std::span<const T> params,
           const RandomStream& stream, std::uint64_t first, std::uint64_t n, Executor& executor);
/// The same, piece by piece from draw 0 on, until there are n of them or `end` says so; the first
/// piece, a tile for each thread, is made in any case.
Draws draw_until(const std::function<bool()>& end, const FlowModel<double>& model,
                 const Density<double>* target, std::span<const double> params,
                 const RandomStream& stream, std::uint64_t n, Executor& executor);
/// On one thread.
template <class T>
Draws draw(const FlowModel<T>& model, const Density<T>* target, std::span<const T> params,
           const RandomStream& stream, std::uint64_t first, std::uint64_t n) {
  Executor alone(1);
  return draw(model, target, params, stream, first, n, alone);
}

}  // namespace riffle
