#include "sampling/ensemble_draws.h"

#include <algorithm>

#include "model/pipeline.h"

namespace riffle {

std::vector<double> base_points(const Ensemble& all) {
  std::vector<double> points(all.chains * all.dim);
  for (std::size_t i = 0; i < all.chains; ++i) {
    const auto u = all.tile_of(i).u.view();
    for (std::size_t d = 0; d < all.dim; ++d) points[i * all.dim + d] = u(d, all.place(i));
  }
  return points;
}

Draws draws_of(const Ensemble& all, const FlowModel<double>& model, std::span<const double> params,
               Executor& executor) {
  Draws draws{all.dim, std::vector<double>(all.chains * all.dim), std::vector<double>(all.chains),
              std::vector<double>(all.chains)};
  const auto pipelines = pipelines_for(model, executor);
  const auto own = params.first(model.parameters().size());
  executor.run(all.tiles.size(), [&](std::size_t tile, std::size_t worker) {
    auto& pipeline = *pipelines[worker];
    const auto& at = all.tiles[tile];
    const std::size_t count = all.count(tile);
    const auto u = at.u.view();
    for (std::size_t d = 0; d < all.dim; ++d) {
      for (std::size_t s = 0; s < tile_size; ++s) pipeline.z0.row(d)[s] = u(d, s);
    }
    pipeline.push(model, nullptr, own, count);
    for (std::size_t s = 0; s < count; ++s) pipeline.log_p[s] = at.log_pi[s] - pipeline.log_det[s];
    pipeline.store(draws, all.first(tile), count);
  });
  return draws;
}

}  // namespace riffle
