#include "inference/gradient_estimator.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/whole_lanes.h"
#include "inference/group_value.h"

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

/// The objective of the tile's groups, and in `coefficients` what multiplies the path's cotangent
/// of each draw: scale · K · (alpha w̃ + (1 - alpha) w̃²). `weight` is 0 for draws that are left out,
/// or null.
template <class T>
double combine_groups(const T* log_weight, const T* weight, std::size_t count,
                      const ObjectiveTerms& terms, double scale, T* coefficients) {
  double total = 0;
  const auto counts = [&](std::size_t s) { return weight == nullptr || weight[s] > 0; };
  for (std::size_t first = 0; first < count; first += terms.group) {
    const std::size_t last = std::min(first + terms.group, count);
    Row<double> members;
    std::size_t n = 0;
    for (std::size_t s = first; s < last; ++s) {
      if (counts(s)) members[n++] = static_cast<double>(log_weight[s]);
    }
    if (n == 0) continue;
    const GroupValue group{std::span(members).first(n), terms.alpha};
    total -= static_cast<double>(n) * group.bound;
    for (std::size_t s = first; s < last; ++s) {
      const double share = counts(s) ? group.share(static_cast<double>(log_weight[s])) : 0;
      coefficients[s] = static_cast<T>(scale * static_cast<double>(n) * share *
                                       (terms.alpha + (1 - terms.alpha) * share));
    }
  }
  return total;
}

}  // namespace

template <class T>
struct GradientEstimator<T>::Worker {
  explicit Worker(const FlowModel<T>& model)
      : z0(model.dim()),
        z(model.dim()),
        gradient(model.dim()),
        g(model.dim()),
        score(model.dim()),
        cache(model.flow().cache_size(), T(0)),
        base_cache(model.base().cache_size(), T(0)),
        blame(model.flow().length() + 1, 0) {}

  TileBuffer<T> z0;
  TileBuffer<T> z;
  TileBuffer<T> gradient;  // ∇ln p(z)
  TileBuffer<T> g;         // cotangent of z
  TileBuffer<T> score;     // ∇ln q(z), of path gradients; finite otherwise
  AlignedVector<T> cache;
  AlignedVector<T> base_cache;
  alignas(64) Row<T> log_q0{};
  alignas(64) Row<T> log_det{};
  alignas(64) Row<T> det_product{};
  alignas(64) Row<T> log_p{};
  alignas(64) Row<T> g_log_det{};
  alignas(64) Row<T> weight{};
  alignas(64) Row<T> log_weight{};
  alignas(64) Row<T> coefficient{};  // of each draw: of its path's cotangent, or of ln q0
  std::vector<std::uint64_t> blame;
};

template <class T>
GradientEstimator<T>::GradientEstimator(const FlowModel<T>& model, const Density<T>& target,
                                        std::size_t batch, Executor& executor, InstructionSet set)
    : model_(model),
      target_(target),
      batch_(batch),
      kernels_(kernels_for<T>(set)),
      sums_(batch, model.parameters().size(), executor, set) {
  for (std::size_t i = 0; i < sums_.workers(); ++i) {
    workers_.push_back(std::make_unique<Worker>(model));
  }
}

template <class T>
GradientEstimator<T>::~GradientEstimator() = default;

template <class T>
Estimate GradientEstimator<T>::estimate(std::span<const T> params, const RandomStream& stream,
                                        ObjectiveTerms terms, std::span<T> grad) {
  const auto own = params.first(model_.parameters().size());
  return sums_.run(
      grad, [&](std::size_t worker, std::size_t first, std::size_t count, std::span<T> slot) {
        return run_tile(*workers_[worker], first, count, own, stream, terms, slot);
      });
}

template <class T>
TileShare GradientEstimator<T>::run_tile(Worker& worker, std::size_t first, std::size_t count,
                                         std::span<const T> params, const RandomStream& stream,
                                         ObjectiveTerms terms, std::span<T> grad) {
  const auto& base = model_.base();
  const auto base_params = model_.base_part(params);
  base.sample(base_params, stream, first, worker.z0.view(count), worker.base_cache.data());
  // Lanes beyond the last draw repeat the first one, so that nothing fails there alone, unseen, and
  // spoils the gradient.
  const std::size_t whole = whole_lanes(count);
  for (std::size_t d = 0; d < model_.dim(); ++d) {
    T* const row = worker.z0.row(d);
    std::fill(row + count, row + whole, row[0]);
  }
  if (terms.base_weight != 0) {
    base.log_density(base_params, worker.z0.view(count), worker.log_q0.data());
  }

  T value = pass(worker, count, params, terms, false);
  std::size_t valid = count;
  if (!std::isfinite(value)) {
    leave_out_invalid(worker, count, params);
    valid = 0;
    for (std::size_t s = 0; s < count; ++s) valid += worker.weight[s] > 0 ? 1 : 0;
    if (valid == 0) return {0, count};
    value = pass(worker, count, params, terms, true);
  }
  pull_back(worker, count, params, terms, grad);
  return {static_cast<double>(value), count - valid};
}

/// Takes the worker's cotangents to the parameters of flow and base.
template <class T>
void GradientEstimator<T>::pull_back(Worker& worker, std::size_t count, std::span<const T> params,
                                     ObjectiveTerms terms, std::span<T> grad) {
  const auto& base = model_.base();
  const auto z0 = worker.z0.view(count);
  const auto g = worker.g.view(count);
  const auto flow_params = model_.flow_part(params);
  const auto flow_grad = model_.flow_part(grad);
  T* const cache = worker.cache.data();
  if (base.parameters().size() == 0) {
    model_.flow().parameter_vjp(flow_params, z0, cache, g, worker.g_log_det.data(), flow_grad);
    return;
  }
  model_.flow().vjp(flow_params, z0, cache, g, worker.g_log_det.data(), flow_grad);
  if (!terms.path) {
    // ln q0 depends on the base's parameters directly and through the draw.
    const T weight = static_cast<T>(terms.base_weight);
    for (std::size_t s = 0; s < whole_lanes(count); ++s) {
      worker.coefficient[s] = -weight * worker.g_log_det[s];
    }
    base.log_density_vjp(model_.base_part(params), z0, worker.coefficient.data(), g,
                         model_.base_part(grad));
  }
  base.sample_vjp(model_.base_part(params), z0, worker.base_cache.data(), g,
                  model_.base_part(grad));
}

/// Forward through the flow and, the first time, the target, then the objective; leaves the
/// cotangents in the worker.
template <class T>
T GradientEstimator<T>::pass(Worker& worker, std::size_t count, std::span<const T> params,
                             ObjectiveTerms terms, bool weighted) {
  worker.log_det.fill(T(0));
  worker.det_product.fill(T(1));
  const LogDet<T> log_det{worker.log_det.data(), worker.det_product.data()};
  model_.flow().forward_product(model_.flow_part(params), worker.z0.view(count),
                                worker.z.view(count), log_det, worker.cache.data());
  if (!weighted) {
    target_.evaluate(worker.z.view(count), worker.log_p.data(), worker.gradient.view(count));
  }
  const TileTerms<T> tile{worker.log_q0.data(), log_det, worker.log_p.data(),
                          worker.gradient.view(count), weighted ? worker.weight.data() : nullptr};
  if (terms.path) return combine_path(worker, tile, count, params, terms);
  return kernels_.combine(tile, worker.z.view(count), static_cast<T>(terms.base_weight),
                          static_cast<T>(terms.beta), T(1) / static_cast<T>(batch_),
                          worker.g.view(count), worker.g_log_det.data());
}

/// Leaves the path's cotangents in the worker.
template <class T>
T GradientEstimator<T>::combine_path(Worker& worker, const TileTerms<T>& tile, std::size_t count,
                                     std::span<const T> params, ObjectiveTerms terms) {
  const std::size_t lanes = whole_lanes(count);
  const auto score = worker.score.view(count);
  kernels_.log_weights(tile, count, static_cast<T>(terms.base_weight), static_cast<T>(terms.beta),
                       worker.log_weight.data());
  worker.coefficient.fill(T(0));
  const double value = combine_groups(worker.log_weight.data(), tile.weight, count, terms,
                                      1 / static_cast<double>(batch_), worker.coefficient.data());
  // ∇ln q(z): that of ln q0, pushed through the flow.
  for (std::size_t d = 0; d < model_.dim(); ++d) std::fill_n(score.row(d), lanes, T(0));
  std::fill_n(worker.g_log_det.begin(), lanes, T(1));
  model_.base().log_density_vjp(model_.base_part(params), worker.z0.view(count),
                                worker.g_log_det.data(), score, {});
  model_.flow().push_score(model_.flow_part(params), worker.z0.view(count), worker.cache.data(),
                           score, worker.g_log_det.data());
  const T probe = kernels_.path_cotangents(tile, worker.coefficient.data(), worker.z.view(count),
                                           score, static_cast<T>(terms.beta), worker.g.view(count));
  std::fill_n(worker.g_log_det.begin(), lanes, T(0));
  return static_cast<T>(value) + probe;
}

/// Sets the weights of invalid draws to 0, blames what made them, and puts a valid draw in their
/// place with what the target said of it (in the padding too), so that no number that is not finite
/// can reach a gradient.
template <class T>
void GradientEstimator<T>::leave_out_invalid(Worker& worker, std::size_t count,
                                             std::span<const T> params) {
  const auto& flow = model_.flow();
  const auto flow_params = model_.flow_part(params);
  std::size_t some_valid = tile_size;
  for (std::size_t s = 0; s < tile_size; ++s) {
    const bool valid = s < count && std::isfinite(worker.log_det[s]) &&
                       std::isfinite(worker.log_p[s]) && column_is_finite<T>(worker.z.view(), s) &&
                       column_is_finite<T>(worker.gradient.view(), s) &&
                       column_is_finite<T>(worker.score.view(), s);
    worker.weight[s] = valid ? T(1) : T(0);
    if (valid) some_valid = s;
  }
  // The layer whose output first fails to be finite is to blame, else the target.
  for (std::size_t s = 0; s < count; ++s) {
    if (worker.weight[s] > 0) continue;
    // The next pass fills these anew.
    TileBuffer<T>& in = worker.z;
    TileBuffer<T>& out = worker.g;
    for (std::size_t d = 0; d < model_.dim(); ++d) in.row(d)[0] = worker.z0.row(d)[s];
    std::size_t culprit = 0;
    for (; culprit < flow.length(); ++culprit) {
      alignas(64) Row<T> log_det{};
      flow.layer(culprit).forward(flow.part(flow_params, culprit), in.view(1), out.view(1),
                                  log_det.data(), worker.cache.data());
      if (!std::isfinite(log_det[0]) || !column_is_finite<T>(out.view(), 0)) break;
      std::swap(in, out);
    }
    ++worker.blame[culprit];
  }
  if (some_valid == tile_size) return;
  for (std::size_t s = 0; s < tile_size; ++s) {
    if (worker.weight[s] > 0) continue;
    for (std::size_t d = 0; d < model_.dim(); ++d) {
      worker.z0.row(d)[s] = worker.z0.row(d)[some_valid];
      worker.gradient.row(d)[s] = worker.gradient.row(d)[some_valid];
    }
    worker.log_q0[s] = worker.log_q0[some_valid];
    worker.log_p[s] = worker.log_p[some_valid];
  }
}

template <class T>
std::vector<std::uint64_t> GradientEstimator<T>::blame() const {
  std::vector<std::uint64_t> total(model_.flow().length() + 1, 0);
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
