#include "model/draws.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "model/pipeline.h"

namespace riffle {

template <class T>
Draws draw(const FlowModel<T>& model, const Density<T>* target, std::span<const T> params,
           const RandomStream& stream, std::uint64_t first, std::uint64_t n, Executor& executor) {
  const std::size_t dim = model.dim();
  Draws result{dim, std::vector<double>(n * dim), std::vector<double>(n), {}};
  if (target != nullptr) result.log_p.resize(n);
  const auto pipelines = pipelines_for(model, executor);
  executor.run((n + tile_size - 1) / tile_size, [&](std::size_t tile, std::size_t worker) {
    auto& p = *pipelines[worker];
    const std::uint64_t done = tile * tile_size;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(tile_size, n - done));
    p.sample(model, params, stream, first + done, count);
    p.push(model, target, params, count);
    p.store(result, done, count);
  });
  return result;
}

Draws draw_until(const std::function<bool()>& end, const FlowModel<double>& model,
                 const Density<double>* target, std::span<const double> params,
                 const RandomStream& stream, std::uint64_t n, Executor& executor) {
  using Clock = std::chrono::steady_clock;
  // Long enough for what a piece costs besides its draws, short enough for whoever waits.
  constexpr auto short_time = std::chrono::milliseconds(20);
  Draws all{model.dim(), {}, {}, {}};
  std::uint64_t piece = executor.threads() * tile_size;
  for (std::uint64_t first = 0; first < n; first = all.log_q.size()) {
    const auto begin = Clock::now();
    auto more =
        draw<double>(model, target, params, stream, first, std::min(piece, n - first), executor);
    if (first == 0) {
      all = std::move(more);
    } else {
      all.z.insert(all.z.end(), more.z.begin(), more.z.end());
      all.log_q.insert(all.log_q.end(), more.log_q.begin(), more.log_q.end());
      all.log_p.insert(all.log_p.end(), more.log_p.begin(), more.log_p.end());
    }
    if (end()) break;
    if (Clock::now() - begin < short_time) piece *= 2;
  }
  return all;
}

#define RIFFLE_INSTANTIATE(T)                                                     \
  template Draws draw(const FlowModel<T>&, const Density<T>*, std::span<const T>, \
                      const RandomStream&, std::uint64_t, std::uint64_t, Executor&);

RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)
#undef RIFFLE_INSTANTIATE

}  // namespace riffle
