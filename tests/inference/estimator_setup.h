#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/aligned.h"
#include "core/executor.h"
#include "inference/gradient_estimator.h"
#include "inference/trainer.h"
#include "model/flow_model.h"
#include "support/random.h"
#include "targets/target_registry.h"

namespace riffle::test {

/// A target by name with options that are not all neutral; null where it has no such dimension.
template <class T>
std::unique_ptr<Density<T>> make_density(const TargetEntry& entry, std::size_t dim,
                                         InstructionSet set) {
  auto options = default_options(entry, set);
  if (entry.any_dim ? !entry.dims.allows(dim) : options.dim != dim) return nullptr;
  options.dim = dim;
  const auto give = [&](std::string_view name, double value) {
    const auto it = options.numbers.find(name);
    if (it != options.numbers.end()) it->second = value;
  };
  give("mean", 0.3);
  give("sd_first", 0.5);
  give("sd_last", 2.0);
  return entry.make<T>(options);
}

template <class T>
std::unique_ptr<Density<T>> make_density(std::string_view name, std::size_t dim,
                                         InstructionSet set) {
  for (const auto& entry : target_registry()) {
    if (entry.name == name) return make_density<T>(entry, dim, set);
  }
  return nullptr;
}

/// What an estimator is made from.
template <class T>
struct Problem {
  Problem(std::string_view flow_text, std::size_t dim, std::unique_ptr<Density<T>> density,
          InstructionSet instructions = InstructionSet::best(),
          std::string_view base_text = "standard-normal")
      : set(instructions),
        model(make_model<T>(base_text, parse_flow(flow_text), {dim, 0, set})),
        flow(&model.flow()),
        base(&model.base()),
        target(std::move(density)) {}
  Problem(std::string_view flow_text, std::size_t dim, std::string_view target_name,
          InstructionSet instructions = InstructionSet::best(),
          std::string_view base_text = "standard-normal")
      : Problem(flow_text, dim, make_density<T>(target_name, dim, instructions), instructions,
                base_text) {}

  std::vector<T> random_params(double scale, std::uint64_t seed) const {
    Random random(seed);
    std::vector<T> params(model.parameters().size());
    for (T& p : params) p = static_cast<T>(scale * random.normal());
    return params;
  }

  InstructionSet set;
  FlowModel<T> model;
  const Chain<T>* flow;
  const Base<T>* base;
  std::unique_ptr<Density<T>> target;
};

template <class T>
struct OwnSource {
  GradientEstimator<T> source;
};

/// A trainer that brings its source of gradients along.
template <class T>
class OwnTrainer : OwnSource<T>, public Trainer<T> {
 public:
  OwnTrainer(const TrainerOptions& options, const Problem<T>& problem, Executor& executor)
      : OwnSource<T>{{problem.model, *problem.target, options.batch, executor, problem.set}},
        Trainer<T>(options, problem.model, this->source, problem.set) {}
};

template <class T>
struct Outcome {
  Estimate estimate;
  std::vector<T> grad;
  std::vector<std::uint64_t> blame;
};

template <class T>
Outcome<T> estimate_once(const Problem<T>& problem, std::span<const T> params, std::size_t batch,
                         const RandomStream& stream, ObjectiveTerms terms,
                         std::size_t threads = 1) {
  Executor executor(threads);
  GradientEstimator<T> estimator(problem.model, *problem.target, batch, executor, problem.set);
  Outcome<T> outcome;
  // Whatever is there before must not matter.
  outcome.grad.assign(params.size(), std::numeric_limits<T>::quiet_NaN());
  outcome.estimate = estimator.estimate(params, stream, terms, outcome.grad);
  outcome.blame = estimator.blame();
  return outcome;
}

/// The same estimate without tiles, lanes or masks: each draw on its own, sums in double.
struct Reference {
  double value = 0;
  std::vector<double> grad;
  std::uint64_t invalid = 0;
  std::vector<std::uint64_t> blame;
  std::vector<bool> valid;
  // Σ of the sizes of what was added up, to measure rounding by.
  double value_size = 0;
  std::vector<double> grad_size;
};

template <class T>
Reference reference_estimate(const Problem<T>& problem, std::span<const T> params,
                             std::size_t batch, const RandomStream& stream, ObjectiveTerms terms) {
  using Row = std::array<T, tile_size>;
  const auto& flow = *problem.flow;
  const std::size_t dim = flow.dim();
  Reference all;
  all.grad.assign(params.size(), 0);
  all.grad_size.assign(params.size(), 0);
  all.blame.assign(flow.length() + 1, 0);
  TileBuffer<T> draws(dim);
  std::vector<TileBuffer<T>> states(flow.length() + 1, TileBuffer<T>(dim));
  std::vector<AlignedVector<T>> caches;
  for (std::size_t k = 0; k < flow.length(); ++k) caches.emplace_back(flow.layer(k).cache_size());
  const auto finite = [dim](TileBuffer<T>& x) {
    for (std::size_t d = 0; d < dim; ++d) {
      if (!std::isfinite(x.row(d)[0])) return false;
    }
    return true;
  };
  for (std::size_t s = 0; s < batch; ++s) {
    if (s % tile_size == 0) {
      problem.base->sample({}, stream, s, draws.view(std::min(tile_size, batch - s)), nullptr);
    }
    for (std::size_t d = 0; d < dim; ++d) states[0].row(d)[0] = draws.row(d)[s % tile_size];
    alignas(64) Row log_q0{};
    alignas(64) Row log_p{};
    problem.base->log_density({}, std::as_const(states[0]).view(1), log_q0.data());
    double log_det = 0;
    std::size_t culprit = 0;
    for (; culprit < flow.length(); ++culprit) {
      alignas(64) Row part{};
      flow.layer(culprit).forward(flow.part(params, culprit),
                                  std::as_const(states[culprit]).view(1),
                                  states[culprit + 1].view(1), part.data(), caches[culprit].data());
      log_det += static_cast<double>(part[0]);
      if (!std::isfinite(part[0]) || !finite(states[culprit + 1])) break;
    }
    TileBuffer<T> g(dim);
    bool valid = culprit == flow.length();
    if (valid) {
      problem.target->evaluate(std::as_const(states.back()).view(1), log_p.data(), g.view(1));
      valid = std::isfinite(log_p[0]) && finite(g);
    }
    all.valid.push_back(valid);
    if (!valid) {
      ++all.invalid;
      ++all.blame[culprit];
      continue;
    }
    const double parts[] = {terms.base_weight * static_cast<double>(log_q0[0]), -log_det,
                            -terms.beta * static_cast<double>(log_p[0])};
    for (const double part : parts) {
      all.value += part;
      all.value_size += std::abs(part);
    }
    for (std::size_t d = 0; d < dim; ++d) {
      const T slope = g.row(d)[0];
      std::fill_n(g.row(d), tile_size, T(0));
      g.row(d)[0] = static_cast<T>(-terms.beta) * slope;
    }
    alignas(64) Row g_log_det{};
    g_log_det[0] = T(-1);
    std::vector<T> grad(params.size(), T(0));
    for (std::size_t k = flow.length(); k-- > 0;) {
      flow.layer(k).vjp(flow.part(params, k), std::as_const(states[k]).view(1), caches[k].data(),
                        g.view(1), g_log_det.data(), flow.part(std::span<T>(grad), k));
    }
    for (std::size_t i = 0; i < grad.size(); ++i) {
      all.grad[i] += static_cast<double>(grad[i]) / static_cast<double>(batch);
      all.grad_size[i] += std::abs(static_cast<double>(grad[i])) / static_cast<double>(batch);
    }
  }
  const auto count = static_cast<double>(batch - all.invalid);
  all.value /= count;
  all.value_size /= count;
  return all;
}

/// How a target fails.
enum class Fault { nan, minus_infinity, plus_infinity, infinite_gradient, nan_gradient };

inline constexpr std::array faults{Fault::nan, Fault::minus_infinity, Fault::plus_infinity,
                                   Fault::infinite_gradient, Fault::nan_gradient};

/// The standard normal, but failing where z1 > edge; and, where asked to, with NaN in all lanes
/// that hold no sample.
template <class T>
class FaultyNormal final : public Density<T> {
 public:
  FaultyNormal(std::size_t dim, Fault fault, double edge, bool poison = false)
      : Density<T>(dim), fault_(fault), edge_(static_cast<T>(edge)), poison_(poison) {}

 private:
  using Limits = std::numeric_limits<T>;

  void evaluate_impl(Tile<const T> z, T* log_density, Tile<T> gradient) const override {
    for (std::size_t s = 0; s < tile_size; ++s) {
      const bool real = s < z.count();
      T squares = 0;
      for (std::size_t d = 0; d < z.dim(); ++d) {
        squares += real ? z(d, s) * z(d, s) : T(0);
        gradient(d, s) = real ? -z(d, s) : poison_ ? Limits::quiet_NaN() : T(0);
      }
      log_density[s] = real || !poison_ ? T(-0.5) * squares : Limits::quiet_NaN();
      if (!real || !(z(0, s) > edge_)) continue;
      switch (fault_) {
        case Fault::nan:
          log_density[s] = Limits::quiet_NaN();
          break;
        case Fault::minus_infinity:
          log_density[s] = -Limits::infinity();
          break;
        case Fault::plus_infinity:
          log_density[s] = Limits::infinity();
          break;
        case Fault::infinite_gradient:
          gradient(z.dim() - 1, s) = Limits::infinity();
          break;
        case Fault::nan_gradient:
          gradient(z.dim() - 1, s) = Limits::quiet_NaN();
          break;
      }
    }
  }

  Fault fault_;
  T edge_;
  bool poison_;
};

/// ln p = -√(1 + |z1|): finite, with a finite gradient, at any finite number and nowhere else; or
/// 1/√(1 + |z1|), which is finite at infinity too.
template <class T>
class HeavyTail final : public Density<T> {
 public:
  explicit HeavyTail(bool finite_at_infinity = false)
      : Density<T>(1), finite_at_infinity_(finite_at_infinity) {}

 private:
  void evaluate_impl(Tile<const T> z, T* log_density, Tile<T> gradient) const override {
    for (std::size_t s = 0; s < tile_size; ++s) {
      const T x = s < z.count() ? z(0, s) : T(0);
      const T root = std::sqrt(T(1) + std::abs(x));
      const T slope = std::copysign(T(0.5) / root, x);
      log_density[s] = finite_at_infinity_ ? T(1) / root : -root;
      gradient(0, s) = finite_at_infinity_ ? -slope / root / root : -slope;
    }
  }

  bool finite_at_infinity_;
};

/// Flat, but with the same slope everywhere: draws are valid, and cotangents as large as is asked.
template <class T>
class Steep final : public Density<T> {
 public:
  Steep(std::size_t dim, T slope) : Density<T>(dim), slope_(slope) {}

 private:
  void evaluate_impl(Tile<const T> z, T* log_density, Tile<T> gradient) const override {
    std::fill_n(log_density, tile_size, T(0));
    for (std::size_t d = 0; d < z.dim(); ++d) std::fill_n(gradient.row(d), tile_size, slope_);
  }

  T slope_;
};

/// Parameters of "planar-free:3" in one dimension for which the second layer (number 1) overflows
/// where z0 is above some number near 0.5, and only there.
template <class T>
std::vector<T> overflowing_params() {
  constexpr T most = std::numeric_limits<T>::max();
  // w, u, b of each layer. The last one is there to be given the overflow; its determinant is far
  // from the smallest numbers, so that its gradient is exact.
  return {T(10),       most * T(0.05), T(-5),           //
          T(0.5),      most * T(0.99), most * T(0.05),  //
          T(1) / most, T(1e5),         T(0.2)};
}

}  // namespace riffle::test
