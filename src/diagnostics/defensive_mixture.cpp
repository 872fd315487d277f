#include "diagnostics/defensive_mixture.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/pipeline.h"

namespace riffle {
namespace {

constexpr double stretch = 3;

/// r/q at sample s of a tile of the base.
double wider_ratio(Tile<const double> z0, std::size_t s) {
  double sum = 0;
  for (std::size_t d = 0; d < z0.dim(); ++d) {
    const double x = z0.row(d)[s];
    sum += std::exp(0.5 * x * x * (1 - 1 / (stretch * stretch)));
  }
  return sum / (stretch * static_cast<double>(z0.dim()));
}

}  // namespace

DefensiveDraws add_defensive_draws(const FlowModel<double>& model, const Density<double>& target,
                                   std::span<const double> params, Draws own,
                                   const RandomStream& stream, std::uint64_t n, Executor& executor,
                                   const std::function<bool()>& end) {
  const std::size_t dim = model.dim();
  const std::uint64_t before = own.log_q.size();
  if (!model.base().is_standard_normal()) n = 0;
  DefensiveDraws all{std::move(own), n, std::vector<double>(before + n)};
  if (n == 0) return all;
  all.draws.z.resize((before + n) * dim);
  all.draws.log_p.resize(before + n);
  all.draws.log_q.resize(before + n);

  const auto pipelines = pipelines_for(model, executor);
  const std::uint64_t own_tiles = (before + tile_size - 1) / tile_size;
  const auto draw_wider = [&](std::uint64_t tile, std::size_t worker, bool with_target) {
    auto& p = *pipelines[worker];
    const std::uint64_t done = tile * tile_size;
    const auto count = std::min<std::size_t>(tile_size, n - done);
    p.sample(model, params, stream, (own_tiles + tile) * tile_size, count);
    for (std::size_t s = 0; s < count; ++s) p.z0.row((done + s) % dim)[s] *= stretch;
    if (!with_target) return;
    p.push(model, &target, params, count);
    p.store(all.draws, before + done, count);
  };
  // Only now it is known how many there are, on which all weights depend.
  std::uint64_t made = 0;
  for (const std::uint64_t tiles = (n + tile_size - 1) / tile_size; made < tiles && !end();) {
    const auto some = std::min<std::uint64_t>(tiles - made, 8 * executor.threads());
    executor.run(
        some, [&](std::size_t tile, std::size_t worker) { draw_wider(made + tile, worker, true); });
    made += some;
  }
  n = std::min<std::uint64_t>(n, made * tile_size);
  all.wider = n;
  all.draws.z.resize((before + n) * dim);
  all.draws.log_p.resize(before + n);
  all.draws.log_q.resize(before + n);
  all.log_q_m.resize(before + n);
  if (n == 0) return all;

  const double wider_share = static_cast<double>(n) / static_cast<double>(before + n);
  const auto weigh = [&](Tile<const double> z0, std::size_t s, std::size_t i) {
    all.log_q_m[i] = -std::log1p(wider_share * (wider_ratio(z0, s) - 1));
    all.draws.log_q[i] -= all.log_q_m[i];
  };
  const std::uint64_t wider_tiles = (n + tile_size - 1) / tile_size;
  executor.run(own_tiles + wider_tiles, [&](std::size_t tile, std::size_t worker) {
    const bool is_own = tile < own_tiles;
    const std::uint64_t done = (is_own ? tile : tile - own_tiles) * tile_size;
    const auto count = std::min<std::size_t>(tile_size, (is_own ? before : n) - done);
    if (is_own) {
      pipelines[worker]->sample(model, params, stream, tile * tile_size, count);
    } else {
      draw_wider(tile - own_tiles, worker, false);
    }
    const std::uint64_t first = is_own ? done : before + done;
    for (std::size_t s = 0; s < count; ++s) weigh(pipelines[worker]->z0.view(), s, first + s);
  });
  return all;
}

Evidence evidence(const DefensiveDraws& mixture) {
  const auto weights = log_weights(mixture.draws.log_p, mixture.draws.log_q);
  const auto n = static_cast<double>(weights.size());
  const double largest = largest_finite(weights);
  // Means and sums of squared deviations of y = p/m, over the largest, and of v = q/m.
  double mean_y = 0;
  double mean_v = 0;
  double yy = 0;
  double yv = 0;
  double vv = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double y = std::isfinite(weights[i]) ? std::exp(weights[i] - largest) : 0;
    const double v = std::exp(mixture.log_q_m[i]);
    const auto count = static_cast<double>(i + 1);
    const double from_y = y - mean_y;
    const double from_v = v - mean_v;
    mean_y += from_y / count;
    mean_v += from_v / count;
    yy += from_y * (y - mean_y);
    yv += from_y * (v - mean_v);
    vv += from_v * (v - mean_v);
  }
  const double slope = vv > 0 ? yv / vv : 0;
  double mean = mean_y - slope * (mean_v - 1);
  double residual = std::max(0.0, yy - slope * yv);
  if (!(mean > 0)) {
    mean = mean_y;
    residual = yy;
  }
  if (!(mean > 0)) return {std::nan(""), std::nan("")};
  return {largest + std::log(mean), std::sqrt(residual / (n - 1) / n) / mean};
}

}  // namespace riffle
