#include "model/log_density.h"

#include <algorithm>
#include <memory>

#include "model/tile_flow.h"

namespace riffle {
template <class T>
std::vector<double> log_density_at(const FlowModel<T>& model, std::span<const T> params,
                                   std::span<const double> points, Executor& executor) {
  std::vector<double> result(points.size() / model.dim());
  std::vector<std::unique_ptr<TileFlow<T>>> workers;
  for (std::size_t i = 0; i < executor.threads(); ++i) {
    workers.push_back(std::make_unique<TileFlow<T>>(model, params));
  }
  const std::size_t tiles = (result.size() + tile_size - 1) / tile_size;
  executor.run(tiles, [&](std::size_t tile, std::size_t worker) {
    auto& flow = *workers[worker];
    const std::size_t first = tile * tile_size;
    const auto count = std::min(tile_size, result.size() - first);
    flow.load_points(points.subspan(first * model.dim(), count * model.dim()));
    flow.pull();
    flow.weigh();
    for (std::size_t s = 0; s < count; ++s) result[first + s] = flow.log_q(s);
  });
  return result;
}

template std::vector<double> log_density_at(const FlowModel<float>&, std::span<const float>,
                                            std::span<const double>, Executor&);
template std::vector<double> log_density_at(const FlowModel<double>&, std::span<const double>,
                                            std::span<const double>, Executor&);

}  // namespace riffle
