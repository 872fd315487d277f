#include "diagnostics/evaluation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>

#include "core/aligned.h"

namespace riffle {
namespace {

/// Room for pushing one tile through everything.
template <class T>
struct Pipeline {
  explicit Pipeline(const Chain<T>& flow)
      : z0(flow.dim()), z(flow.dim()), gradient(flow.dim()), cache(flow.cache_size()) {}

  TileBuffer<T> z0;
  TileBuffer<T> z;
  TileBuffer<T> gradient;
  AlignedVector<T> cache;
  alignas(64) std::array<T, tile_size> log_q0{};
  alignas(64) std::array<T, tile_size> log_det{};
  alignas(64) std::array<T, tile_size> log_p{};

  void push(const Chain<T>& flow, const Base<T>& base, const Density<T>* target,
            std::span<const T> params, const RandomStream& stream, std::uint64_t first,
            std::size_t count) {
    base.sample(stream, first, z0.view(count));
    base.log_density(z0.view(count), log_q0.data());
    log_det.fill(T(0));
    flow.forward(params, z0.view(count), z.view(count), log_det.data(), cache.data());
    if (target != nullptr) target->evaluate(z.view(count), log_p.data(), gradient.view(count));
  }
};

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

}  // namespace

template <class T>
MonteCarlo evaluate_objective(const Chain<T>& flow, const Base<T>& base, const Density<T>& target,
                              std::span<const T> params, const RandomStream& stream,
                              std::uint64_t draws, ObjectiveTerms terms, Executor& executor) {
  const std::size_t tiles = (draws + tile_size - 1) / tile_size;
  std::vector<Moments> moments(tiles);
  std::vector<std::unique_ptr<Pipeline<T>>> pipelines;
  for (std::size_t i = 0; i < executor.threads(); ++i) {
    pipelines.push_back(std::make_unique<Pipeline<T>>(flow));
  }
  executor.run(tiles, [&](std::size_t tile, std::size_t worker) {
    auto& p = *pipelines[worker];
    const std::uint64_t first = tile * tile_size;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(tile_size, draws - first));
    p.push(flow, base, &target, params, stream, first, count);
    for (std::size_t s = 0; s < count; ++s) {
      const double value = terms.base_weight * static_cast<double>(p.log_q0[s]) -
                           static_cast<double>(p.log_det[s]) -
                           terms.beta * static_cast<double>(p.log_p[s]);
      if (std::isfinite(value)) moments[tile].add({1, value, 0});
    }
  });
  Moments all;
  for (const auto& m : moments) all.add(m);
  const double variance =
      all.n > 1 ? all.squares / (all.n - 1) : std::numeric_limits<double>::quiet_NaN();
  const auto valid = static_cast<std::uint64_t>(all.n);
  return {valid > 0 ? all.mean : std::numeric_limits<double>::quiet_NaN(),
          std::sqrt(variance / all.n), valid, draws - valid};
}

template <class T>
Draws draw(const Chain<T>& flow, const Base<T>& base, const Density<T>* target,
           std::span<const T> params, const RandomStream& stream, std::uint64_t first,
           std::uint64_t n) {
  Draws result;
  result.dim = flow.dim();
  result.z.reserve(n * flow.dim());
  result.log_q.reserve(n);
  Pipeline<T> p(flow);
  for (std::uint64_t done = 0; done < n; done += tile_size) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(tile_size, n - done));
    p.push(flow, base, target, params, stream, first + done, count);
    for (std::size_t s = 0; s < count; ++s) {
      for (std::size_t d = 0; d < flow.dim(); ++d) {
        result.z.push_back(static_cast<double>(p.z.row(d)[s]));
      }
      result.log_q.push_back(static_cast<double>(p.log_q0[s]) - static_cast<double>(p.log_det[s]));
      if (target != nullptr) result.log_p.push_back(static_cast<double>(p.log_p[s]));
    }
  }
  return result;
}

template MonteCarlo evaluate_objective(const Chain<float>&, const Base<float>&,
                                       const Density<float>&, std::span<const float>,
                                       const RandomStream&, std::uint64_t, ObjectiveTerms,
                                       Executor&);
template MonteCarlo evaluate_objective(const Chain<double>&, const Base<double>&,
                                       const Density<double>&, std::span<const double>,
                                       const RandomStream&, std::uint64_t, ObjectiveTerms,
                                       Executor&);
template Draws draw(const Chain<float>&, const Base<float>&, const Density<float>*,
                    std::span<const float>, const RandomStream&, std::uint64_t, std::uint64_t);
template Draws draw(const Chain<double>&, const Base<double>&, const Density<double>*,
                    std::span<const double>, const RandomStream&, std::uint64_t, std::uint64_t);

}  // namespace riffle
