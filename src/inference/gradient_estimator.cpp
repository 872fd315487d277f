#include "inference/gradient_estimator.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/whole_lanes.h"

#define RIFFLE_MATHS "inference/objective.inc"
#define RIFFLE_CLASS ObjectiveMaths
#define RIFFLE_KERNELS ObjectiveKernels
#include "lanes/instantiate.h"

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
struct GradientEstimator<T>::Worker {
  Worker(const Chain<T>& flow)
      : z0(flow.dim()),
        z(flow.dim()),
        g(flow.dim()),
        cache(flow.cache_size(), T(0)),
        blame(flow.length() + 1, 0) {}

  TileBuffer<T> z0;
  TileBuffer<T> z;
  TileBuffer<T> g;
  AlignedVector<T> cache;
  alignas(64) Row<T> log_q0{};
  alignas(64) Row<T> log_det{};
  alignas(64) Row<T> det_product{};
  alignas(64) Row<T> log_p{};
  alignas(64) Row<T> g_log_det{};
  alignas(64) Row<T> weight{};
  std::vector<std::uint64_t> blame;
};

template <class T>
GradientEstimator<T>::GradientEstimator(const Chain<T>& flow, const Base<T>& base,
                                        const Density<T>& target, std::size_t batch,
                                        Executor& executor, InstructionSet set)
    : flow_(flow),
      base_(base),
      target_(target),
      batch_(batch),
      executor_(executor),
      kernels_(kernels_for<T>(set)) {
  const std::size_t tiles = (batch + tile_size - 1) / tile_size;
  for (std::size_t i = 0; i < std::min(executor.threads(), tiles); ++i) {
    workers_.push_back(std::make_unique<Worker>(flow));
  }
  // A worker is picked by the number of the thread, so there must be one for each where any can
  // run.
  while (tiles > 1 && workers_.size() < executor.threads()) {
    workers_.push_back(std::make_unique<Worker>(flow));
  }
  if (tiles > 1) slots_.resize(tiles * whole_lanes(flow.parameters().size()));
  tile_value_.resize(tiles);
  tile_invalid_.resize(tiles);
}

template <class T>
GradientEstimator<T>::~GradientEstimator() = default;

template <class T>
Estimate GradientEstimator<T>::estimate(std::span<const T> params, const RandomStream& stream,
                                        ObjectiveTerms terms, std::span<T> grad) {
  const std::size_t parameters = flow_.parameters().size();
  const std::size_t stride = whole_lanes(parameters);
  const std::size_t tiles = tile_value_.size();
  std::fill(grad.begin(), grad.end(), T(0));
  const auto own = params.first(parameters);
  if (tiles == 1) {
    run_tile(0, *workers_[0], own, stream, terms, grad.first(parameters));
  } else {
    executor_.run(tiles, [&](std::size_t tile, std::size_t worker) {
      const std::span<T> slot(slots_.data() + tile * stride, parameters);
      std::fill(slot.begin(), slot.end(), T(0));
      run_tile(tile, *workers_[worker], own, stream, terms, slot);
    });
    for (std::size_t tile = 1; tile < tiles; ++tile) {
      kernels_.add(slots_.data() + tile * stride, slots_.data(), stride);
    }
    std::copy_n(slots_.data(), parameters, grad.data());
  }
  Estimate result;
  double total = 0;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    total += tile_value_[tile];
    result.invalid += tile_invalid_[tile];
  }
  result.value = total / static_cast<double>(batch_ - result.invalid);
  return result;
}

template <class T>
void GradientEstimator<T>::run_tile(std::size_t tile, Worker& worker, std::span<const T> params,
                                    const RandomStream& stream, ObjectiveTerms terms,
                                    std::span<T> grad) {
  const std::size_t first = tile * tile_size;
  const std::size_t count = std::min(tile_size, batch_ - first);
  base_.sample(stream, first, worker.z0.view(count));
  // Lanes beyond the last draw repeat the first one, so that nothing fails there alone, unseen, and
  // spoils the gradient.
  const std::size_t whole = whole_lanes(count);
  for (std::size_t d = 0; d < flow_.dim(); ++d) {
    T* const row = worker.z0.row(d);
    std::fill(row + count, row + whole, row[0]);
  }
  if (terms.base_weight != 0) base_.log_density(worker.z0.view(count), worker.log_q0.data());

  T value = pass(worker, count, params, terms, false);
  tile_invalid_[tile] = 0;
  if (!std::isfinite(value)) {
    leave_out_invalid(worker, count, params);
    std::size_t valid = 0;
    for (std::size_t s = 0; s < count; ++s) valid += worker.weight[s] > 0 ? 1 : 0;
    tile_invalid_[tile] = count - valid;
    if (valid == 0) {
      tile_value_[tile] = 0;
      return;
    }
    value = pass(worker, count, params, terms, true);
  }
  tile_value_[tile] = static_cast<double>(value);
  flow_.vjp(params, worker.z0.view(count), worker.cache.data(), worker.g.view(count),
            worker.g_log_det.data(), grad);
}

/// Forward through flow and target, then the objective; leaves the cotangents in the worker.
template <class T>
T GradientEstimator<T>::pass(Worker& worker, std::size_t count, std::span<const T> params,
                             ObjectiveTerms terms, bool weighted) {
  worker.log_det.fill(T(0));
  worker.det_product.fill(T(1));
  const LogDet<T> log_det{worker.log_det.data(), worker.det_product.data()};
  flow_.forward_product(params, worker.z0.view(count), worker.z.view(count), log_det,
                        worker.cache.data());
  target_.evaluate(worker.z.view(count), worker.log_p.data(), worker.g.view(count));
  const TileTerms<T> tile{worker.log_q0.data(), log_det, worker.log_p.data(),
                          weighted ? worker.weight.data() : nullptr};
  return kernels_.combine(tile, worker.z.view(count), static_cast<T>(terms.base_weight),
                          static_cast<T>(terms.beta), T(1) / static_cast<T>(batch_),
                          worker.g.view(count), worker.g_log_det.data());
}

/// Sets the weights of invalid draws to 0, blames what made them, and puts a valid draw in their
/// place (in the padding too), so that no number that is not finite can reach a gradient.
template <class T>
void GradientEstimator<T>::leave_out_invalid(Worker& worker, std::size_t count,
                                             std::span<const T> params) {
  std::size_t some_valid = tile_size;
  target_.evaluate(worker.z.view(count), worker.log_p.data(), worker.g.view(count));
  for (std::size_t s = 0; s < tile_size; ++s) {
    const bool valid = s < count && std::isfinite(worker.log_det[s]) &&
                       std::isfinite(worker.log_p[s]) && column_is_finite<T>(worker.z.view(), s) &&
                       column_is_finite<T>(worker.g.view(), s);
    worker.weight[s] = valid ? T(1) : T(0);
    if (valid) some_valid = s;
  }
  // The layer whose output first fails to be finite is to blame, else the target.
  for (std::size_t s = 0; s < count; ++s) {
    if (worker.weight[s] > 0) continue;
    // The next pass fills these anew.
    TileBuffer<T>& in = worker.z;
    TileBuffer<T>& out = worker.g;
    for (std::size_t d = 0; d < flow_.dim(); ++d) in.row(d)[0] = worker.z0.row(d)[s];
    std::size_t culprit = 0;
    for (; culprit < flow_.length(); ++culprit) {
      alignas(64) Row<T> log_det{};
      flow_.layer(culprit).forward(flow_.part(params, culprit), in.view(1), out.view(1),
                                   log_det.data(), worker.cache.data());
      if (!std::isfinite(log_det[0]) || !column_is_finite<T>(out.view(), 0)) break;
      std::swap(in, out);
    }
    ++worker.blame[culprit];
  }
  if (some_valid == tile_size) return;
  for (std::size_t s = 0; s < tile_size; ++s) {
    if (worker.weight[s] > 0) continue;
    for (std::size_t d = 0; d < flow_.dim(); ++d) {
      worker.z0.row(d)[s] = worker.z0.row(d)[some_valid];
    }
    worker.log_q0[s] = worker.log_q0[some_valid];
  }
}

template <class T>
std::vector<std::uint64_t> GradientEstimator<T>::blame() const {
  std::vector<std::uint64_t> total(flow_.length() + 1, 0);
  for (const auto& worker : workers_) {
    for (std::size_t k = 0; k < total.size(); ++k) total[k] += worker->blame[k];
  }
  return total;
}

template <class T>
void GradientEstimator<T>::forget_blame() {
  for (const auto& worker : workers_) std::fill(worker->blame.begin(), worker->blame.end(), 0);
}

template class GradientEstimator<float>;
template class GradientEstimator<double>;

}  // namespace riffle
