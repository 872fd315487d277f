#include "inference/likelihood_estimator.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/aligned.h"
#include "core/whole_lanes.h"

namespace riffle {
namespace {

template <class T>
using Row = std::array<T, tile_size>;

template <class T>
bool column_is_finite(Tile<const T> tile, std::size_t s) {
  for (std::size_t d = 0; d < tile.dim(); ++d) {
    if (!std::isfinite(tile(d, s))) return false;
  }
  return true;
}

}  // namespace

template <class T>
struct LikelihoodEstimator<T>::Worker {
  explicit Worker(const FlowModel<T>& model)
      : y(model.dim()),
        z0(model.dim()),
        g(model.dim()),
        cache(model.flow().cache_size(), T(0)),
        scratch(model.flow().inverse_vjp_scratch(), T(0)),
        blame(model.flow().length() + 1, 0) {}

  TileBuffer<T> y;
  TileBuffer<T> z0;
  TileBuffer<T> g;
  AlignedVector<T> cache;
  AlignedVector<T> scratch;
  alignas(64) Row<T> log_q0{};
  alignas(64) Row<T> log_det{};
  alignas(64) Row<T> weight{};  // of each point: 1, or 0 for one that is left out and for padding
  alignas(64) Row<T> cotangent{};
  std::vector<std::uint64_t> blame;
};

template <class T>
LikelihoodEstimator<T>::LikelihoodEstimator(const FlowModel<T>& model, std::span<const double> rows,
                                            std::size_t batch, Executor& executor,
                                            InstructionSet set)
    : model_(model),
      rows_(rows),
      batch_(batch),
      sums_(batch, model.parameters().size(), executor, set) {
  for (std::size_t i = 0; i < sums_.workers(); ++i) {
    workers_.push_back(std::make_unique<Worker>(model));
  }
}

template <class T>
LikelihoodEstimator<T>::~LikelihoodEstimator() = default;

template <class T>
Estimate LikelihoodEstimator<T>::estimate(std::span<const T> params, const RandomStream& stream,
                                          ObjectiveTerms, std::span<T> grad) {
  const auto own = params.first(model_.parameters().size());
  const std::size_t dim = model_.dim();
  const auto n = static_cast<double>(rows_.size() / dim);
  return sums_.run(grad, [&](std::size_t worker, std::size_t first, std::size_t count,
                             std::span<T> slot) {
    auto& w = *workers_[worker];
    for (std::size_t s = 0; s < count; ++s) {
      const auto row =
          static_cast<std::size_t>(n * stream.uniform(static_cast<std::uint32_t>(first + s), 0));
      for (std::size_t d = 0; d < dim; ++d) w.y.row(d)[s] = static_cast<T>(rows_[row * dim + d]);
    }
    return run_tile(w, count, own, slot);
  });
}

template <class T>
TileShare LikelihoodEstimator<T>::run_tile(Worker& worker, std::size_t count,
                                           std::span<const T> params, std::span<T> grad) {
  const std::size_t lanes = whole_lanes(count);
  for (std::size_t d = 0; d < model_.dim(); ++d) {
    T* const row = worker.y.row(d);
    std::fill(row + count, row + tile_size, row[0]);
  }
  worker.weight.fill(T(0));
  std::fill_n(worker.weight.begin(), count, T(1));
  pass(worker, count, params);
  const std::size_t valid = leave_out_invalid(worker, count, params);
  if (valid == 0) return {0, count};
  if (valid < count) pass(worker, count, params);

  // L = -1/B Σ (ln q0(z0) + ln|det ∂z0/∂y|), z0 = f⁻¹(y).
  const auto z0 = worker.z0.view(count);
  const auto g = worker.g.view(count);
  for (std::size_t s = 0; s < lanes; ++s) {
    worker.cotangent[s] = -worker.weight[s] / static_cast<T>(batch_);
  }
  for (std::size_t d = 0; d < model_.dim(); ++d) std::fill_n(g.row(d), lanes, T(0));
  model_.base().log_density_vjp(model_.base_part(params), z0, worker.cotangent.data(), g,
                                model_.base_part(grad));
  model_.flow().inverse_vjp(model_.flow_part(params), z0, worker.cache.data(), g,
                            worker.cotangent.data(), model_.flow_part(grad), worker.scratch.data());
  double sum = 0;
  for (std::size_t s = 0; s < count; ++s) {
    if (worker.weight[s] > 0) {
      sum -= static_cast<double>(worker.log_q0[s]) + static_cast<double>(worker.log_det[s]);
    }
  }
  return {sum, count - valid};
}

template <class T>
void LikelihoodEstimator<T>::pass(Worker& worker, std::size_t count, std::span<const T> params) {
  worker.log_det.fill(T(0));
  model_.flow().inverse(model_.flow_part(params), worker.y.view(count), worker.z0.view(count),
                        worker.log_det.data(), worker.cache.data());
  model_.base().log_density(model_.base_part(params), worker.z0.view(count), worker.log_q0.data());
}

/// Sets the weights of points that came to nothing finite to 0, blames the layer that made it so
/// (or, last, the data), and puts a valid point in their place. Returns how many are valid.
template <class T>
std::size_t LikelihoodEstimator<T>::leave_out_invalid(Worker& worker, std::size_t count,
                                                      std::span<const T> params) {
  const auto& flow = model_.flow();
  std::size_t valid = 0;
  std::size_t some_valid = 0;
  for (std::size_t s = 0; s < count; ++s) {
    const bool good = std::isfinite(worker.log_det[s]) && std::isfinite(worker.log_q0[s]) &&
                      column_is_finite<T>(worker.z0.view(), s);
    worker.weight[s] = good ? T(1) : T(0);
    if (good) {
      ++valid;
      some_valid = s;
    }
  }
  if (valid == count) return valid;
  TileBuffer<T>& in = worker.g;  // the next pass fills these anew
  TileBuffer<T>& out = worker.z0;
  for (std::size_t s = 0; s < count; ++s) {
    if (worker.weight[s] > 0) continue;
    for (std::size_t d = 0; d < model_.dim(); ++d) {
      std::fill_n(in.row(d), tile_size, worker.y.row(d)[s]);
    }
    const bool whole = column_is_finite<T>(in.view(), 0);
    std::size_t culprit = flow.length();
    for (std::size_t k = flow.length(); whole && k-- > 0;) {
      alignas(64) Row<T> log_det{};
      flow.layer(k).inverse(flow.part(model_.flow_part(params), k), in.view(1), out.view(1),
                            log_det.data(), worker.cache.data());
      if (!std::isfinite(log_det[0]) || !column_is_finite<T>(out.view(), 0)) {
        culprit = k;
        break;
      }
      std::swap(in, out);
    }
    ++worker.blame[culprit];
  }
  if (valid == 0) return valid;
  for (std::size_t s = 0; s < tile_size; ++s) {
    if (worker.weight[s] > 0) continue;
    for (std::size_t d = 0; d < model_.dim(); ++d) {
      worker.y.row(d)[s] = worker.y.row(d)[some_valid];
    }
  }
  return valid;
}

template <class T>
std::vector<std::uint64_t> LikelihoodEstimator<T>::blame() const {
  std::vector<std::uint64_t> total(model_.flow().length() + 1, 0);
  for (const auto& worker : workers_) {
    for (std::size_t k = 0; k < total.size(); ++k) total[k] += worker->blame[k];
  }
  return total;
}

template <class T>
void LikelihoodEstimator<T>::forget_blame() {
  for (const auto& worker : workers_) std::fill(worker->blame.begin(), worker->blame.end(), 0);
}

template class LikelihoodEstimator<float>;
template class LikelihoodEstimator<double>;

}  // namespace riffle
