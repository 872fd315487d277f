#include "inference/evaluation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "inference/group_value.h"
#include "model/pipeline.h"

namespace riffle {
namespace {

/// Mean and sum of squared deviations, mergeable: Chan, Golub & LeVeque (1979).
struct Moments {
  double n = 0;
  double mean = 0;
  double squares = 0;

  void add(const Moments& other) {
    if (other.n == 0) return;
    const double delta = other.mean - mean;
    const double total = n + other.n;
    squares += other.squares + delta * delta * n * other.n / total;
    mean += delta * other.n / total;
    n = total;
  }
};

/// Adds the objective's value of the draws first ... last - 1, as one group.
template <class T>
void add_group(const Pipeline<T>& p, std::size_t first, std::size_t last,
               const ObjectiveTerms& terms, Moments& moments) {
  std::array<double, tile_size> log_weight;
  for (std::size_t s = first; s < last; ++s) {
    log_weight[s - first] = terms.beta * static_cast<double>(p.log_p[s]) +
                            static_cast<double>(p.log_det[s]) -
                            terms.base_weight * static_cast<double>(p.log_q0[s]);
    if (!std::isfinite(log_weight[s - first])) return;
  }
  moments.add({1, -GroupValue{std::span(log_weight).first(last - first), terms.alpha}.bound, 0});
}

}  // namespace

template <class T>
MonteCarlo evaluate_objective(const FlowModel<T>& model, const Density<T>& target,
                              std::span<const T> params, const RandomStream& stream,
                              std::uint64_t draws, ObjectiveTerms terms, Executor& executor) {
  const std::size_t tiles = (draws + tile_size - 1) / tile_size;
  std::vector<Moments> moments(tiles);
  const auto pipelines = pipelines_for(model, executor);
  executor.run(tiles, [&](std::size_t tile, std::size_t worker) {
    auto& p = *pipelines[worker];
    const std::uint64_t first = tile * tile_size;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(tile_size, draws - first));
    p.sample(model, params, stream, first, count);
    p.push(model, &target, params, count);
    for (std::size_t group = 0; group < count; group += terms.group) {
      add_group(p, group, std::min(group + terms.group, count), terms, moments[tile]);
    }
  });
  Moments all;
  for (const auto& m : moments) all.add(m);
  const double variance =
      all.n > 1 ? all.squares / (all.n - 1) : std::numeric_limits<double>::quiet_NaN();
  const auto valid = std::min(draws, static_cast<std::uint64_t>(all.n) * terms.group);
  return {valid > 0 ? all.mean : std::numeric_limits<double>::quiet_NaN(),
          std::sqrt(variance / all.n), valid, draws - valid};
}

#define RIFFLE_INSTANTIATE(T)                                                                    \
  template MonteCarlo evaluate_objective(const FlowModel<T>&, const Density<T>&,                 \
                                         std::span<const T>, const RandomStream&, std::uint64_t, \
                                         ObjectiveTerms, Executor&);

RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)
#undef RIFFLE_INSTANTIATE

}  // namespace riffle
