#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bases/base.h"
#include "core/executor.h"
#include "core/instruction_set.h"
#include "core/philox.h"
#include "core/whole_lanes.h"
#include "model/flow_model.h"
#include "sampling/dual_averaging.h"
#include "sampling/ensemble.h"
#include "sampling/lifted_density.h"
#include "targets/density.h"

namespace riffle {

/// How chains move.
struct TransitionOptions {
  double step_size = 0.3;  ///< the largest, in the base's coordinates
  /// The largest over the smallest: each chain has a step size of its own in each transition,
  /// log-uniform between them. Where curvature varies by orders of magnitude no single one is
  /// right.
  double step_ratio = 1;
  /// Leapfrog steps of a tile's chains in one transition: uniform on 1 ... steps.
  std::size_t steps = 8;
  /// Scales of the coordinates, whose squares are the inverse of a diagonal mass; empty: all 1.
  std::vector<double> scale{};
  double beta = 1;  ///< the chains' distribution is q0^(1-β) π^β; at 1, q0 has no say
};

/// What transitions did.
struct TransitionReport {
  std::uint64_t proposals = 0;
  std::uint64_t accepted = 0;
  /// Of the proposals, those that are rejected because a point on their way, or where they start,
  /// had no finite density and gradient.
  std::uint64_t failed = 0;
  std::uint64_t gradients = 0;  ///< evaluations of the target
  double probabilities = 0;     ///< sum of those by which proposals are accepted

  double acceptance() const { return probabilities / static_cast<double>(proposals); }
  void add(const TransitionReport& other) {
    proposals += other.proposals;
    accepted += other.accepted;
    failed += other.failed;
    gradients += other.gradients;
    probabilities += other.probabilities;
  }
};

/// What a transition is made of that leaves its distribution as it is; tests break each.
struct HamiltonianRules {
  static constexpr double log_det = 1;        ///< weight of ln|det ∂f/∂u| in ln π
  static constexpr double log_det_slope = 1;  ///< and of its gradient in that of ln π
  static constexpr double force = 1;
  static constexpr double last_kick = 0.5;  ///< in steps
  static constexpr double kinetic = 1;      ///< weight of the kinetic energy in what decides
  static constexpr bool metropolis = true;
  /// A path that falls by so much more than its momentum is worth has diverged.
  static constexpr double most_energy_error = 50;
};

/// Hamiltonian transitions of many chains in the coordinates of a model's base, by a template of
/// their rules; Transitions is what the library uses.
///
/// A transition of a chain at u, with γ = q0^(1-β) π^β and scales c (S. Duane et al. 1987; R. Neal,
/// "MCMC using Hamiltonian dynamics", 2011, section 5.2, with momenta in units of the square root
/// of the mass, so that these are N(0, 1)):
///   n ~ N(0, I); ε and L at random
///   L times: n += ½ ε c ∇ln γ(u), u += ε c n, n += ½ ε c ∇ln γ(u)
///   accepted with probability min(1, γ(u') e^(-½‖n'‖²) / (γ(u) e^(-½‖n‖²)))
/// ε and L do not depend on the point, so each of these transitions leaves γ as it is, and so does
/// their mixture. Deviation: L is drawn for the chains of a tile at once, so that a step takes one
/// evaluation of the target by tile; in one transition they share it.
///
/// A path with a point without finite density and gradient is rejected, which is as symmetric as
/// the rest: the way back has the same points. So is one that falls by more than its momentum is
/// worth and 50 nats: that would be accepted with a probability of e^-50 from either end. A chain
/// that stands on a point that failed stays there.
///
/// Random numbers are those of (stream, chain), so that results do not depend on the number of
/// threads; one call takes one step of the stream, and `stream` must differ in its step or purpose
/// from one call to the next. Model, parameters and target must outlive the object.
template <class Rules>
class BasicTransitions {
 public:
  BasicTransitions(const FlowModel<double>& model, std::span<const double> params,
                   const Density<double>& target, Executor& executor, InstructionSet set)
      : model_(model),
        params_(params),
        executor_(executor),
        normal_(make_base<double>("standard-normal", model.dim(), set)) {
    for (std::size_t i = 0; i < executor.threads(); ++i) {
      workers_.push_back(std::make_unique<Worker>(model, params, target));
    }
  }

  /// Chains at draws of the base, evaluated: `chains` many, one evaluation of the target each.
  Ensemble start(std::size_t chains, const RandomStream& stream) {
    Ensemble all(model_.dim(), chains);
    executor_.run(all.tiles.size(), [&](std::size_t tile, std::size_t worker) {
      model_.base().sample(model_.base_part(params_), stream, all.first(tile),
                           all.tiles[tile].u.view(all.count(tile)),
                           workers_[worker]->base_cache.data());
    });
    evaluate(all);
    return all;
  }

  /// After somebody has set the points u, which must be finite.
  void evaluate(Ensemble& all) {
    executor_.run(all.tiles.size(), [&](std::size_t tile, std::size_t worker) {
      workers_[worker]->density.evaluate(all.tiles[tile], all.count(tile));
    });
  }

  /// One transition of each chain.
  TransitionReport move(Ensemble& all, const TransitionOptions& options,
                        const RandomStream& stream) {
    reports_.assign(all.tiles.size(), {});
    executor_.run(all.tiles.size(), [&](std::size_t tile, std::size_t worker) {
      reports_[tile] = move_tile(*workers_[worker], all.tiles[tile], all.first(tile),
                                 all.count(tile), options, stream);
    });
    TransitionReport total;
    for (const auto& report : reports_) total.add(report);
    return total;
  }

  /// Transitions that change `options.step_size` until the mean acceptance is `wanted`, and leave
  /// it at what was found, for good. They do not leave the distribution as it is. Takes as many
  /// steps of the stream, from its own on.
  TransitionReport adapt(Ensemble& all, TransitionOptions& options, double wanted,
                         std::size_t transitions, RandomStream stream) {
    DualAveraging averaging(options.step_size, wanted);
    TransitionReport total;
    for (std::size_t t = 0; t < transitions; ++t, ++stream.step) {
      const auto report = move(all, options, stream);
      options.step_size = averaging.update(report.acceptance());
      total.add(report);
    }
    options.step_size = averaging.result();
    return total;
  }

  /// `steps` leapfrog steps of the first `count` points of a tile, in place, with momenta n[dim],
  /// each of its own length. Points whose path failed are left anywhere, with `smooth` false.
  void leapfrog(LiftedTile& at, Tile<double> n, std::span<const double> step_sizes,
                std::size_t steps, const TransitionOptions& options) {
    leapfrog(*workers_.front(), at, n, step_sizes, steps, options);
  }

 private:
  struct Worker {
    Worker(const FlowModel<double>& model, std::span<const double> params,
           const Density<double>& target)
        : density(model, params, target),
          point(model.dim()),
          momentum(model.dim()),
          slope(model.dim()),
          base_cache(model.base().cache_size(), 0.0) {}

    LiftedDensity<Rules> density;
    LiftedTile point;
    TileBuffer<double> momentum;
    TileBuffer<double> slope;
    AlignedVector<double> base_cache;
    std::array<double, tile_size> step{};
    std::array<double, tile_size> kinetic{};
    std::array<double, tile_size> energy{};  ///< kinetic, at the start of a path
  };

  // Coordinates of the stream's counters that no momentum has.
  static constexpr std::uint32_t decision = 0xFFFFFFFF;
  static constexpr std::uint32_t step_choice = 0xFFFFFFFE;
  static constexpr std::uint32_t length_choice = 0xFFFFFFFD;

  static double scale(const TransitionOptions& options, std::size_t d) {
    return options.scale.empty() ? 1 : options.scale[d];
  }

  TransitionReport move_tile(Worker& worker, LiftedTile& at, std::size_t first, std::size_t count,
                             const TransitionOptions& options, const RandomStream& stream) {
    const auto chain = [&](std::size_t s) { return static_cast<std::uint32_t>(first + s); };
    const auto n = worker.momentum.view(count);
    normal_->sample({}, stream, first, n, nullptr);
    for (std::size_t s = 0; s < count; ++s) {
      const double place = options.step_ratio == 1 ? 0 : stream.uniform(chain(s), step_choice);
      worker.step[s] = options.step_size * std::pow(options.step_ratio, -place);
    }
    find_kinetic(worker.kinetic, n);
    const auto before = worker.kinetic;
    const auto steps = 1 + static_cast<std::size_t>(static_cast<double>(options.steps) *
                                                    stream.uniform(chain(0), length_choice));
    copy_points(at, worker.point, count);
    leapfrog(worker, worker.point, n, worker.step, steps, options);
    find_kinetic(worker.kinetic, n);

    TransitionReport report;
    report.proposals = count;
    report.gradients = count * steps;
    for (std::size_t s = 0; s < count; ++s) {
      if (!worker.point.smooth[s]) {
        ++report.failed;
        continue;
      }
      const double log_ratio = worker.point.log_path(s, options.beta) -
                               at.log_path(s, options.beta) +
                               Rules::kinetic * (before[s] - worker.kinetic[s]);
      if (std::isnan(log_ratio)) {
        ++report.failed;
        continue;
      }
      report.probabilities += std::exp(std::min(0.0, log_ratio));
      if (Rules::metropolis && !(std::log(stream.uniform(chain(s), decision)) < log_ratio))
        continue;
      ++report.accepted;
      copy_point(worker.point, at, s);
    }
    return report;
  }

  void leapfrog(Worker& worker, LiftedTile& at, Tile<double> n, std::span<const double> step_sizes,
                std::size_t steps, const TransitionOptions& options) {
    const std::size_t count = n.count();
    const auto u = at.u.view(count);
    const auto slope = worker.slope.view(count);
    const auto kick = [&](double share) {
      worker.density.find_slope(at, count, options.beta, slope);
      for (std::size_t d = 0; d < model_.dim(); ++d) {
        const double c = Rules::force * share * scale(options, d);
        for (std::size_t s = 0; s < count; ++s) {
          n.row(d)[s] += c * step_sizes[s] * slope.row(d)[s];
        }
      }
    };
    std::array<bool, tile_size> sound = at.smooth;
    find_kinetic(worker.energy, n);
    std::array<double, tile_size> least{};
    for (std::size_t s = 0; s < count; ++s) {
      least[s] = at.log_path(s, options.beta) - worker.energy[s] - Rules::most_energy_error;
    }
    kick(0.5);
    for (std::size_t step = 1; step <= steps; ++step) {
      for (std::size_t s = 0; s < count; ++s) {
        if (sound[s]) sound[s] = drift(u, n, s, step_sizes[s], options);
      }
      worker.density.evaluate(at, count);
      for (std::size_t s = 0; s < count; ++s) {
        if (!sound[s]) continue;
        if (at.smooth[s] && at.log_path(s, options.beta) > least[s]) continue;
        // Back to where the target could be evaluated, so that one failure is not many; a path that
        // diverges would get there, too.
        sound[s] = false;
        for (std::size_t d = 0; d < model_.dim(); ++d) {
          u(d, s) -= step_sizes[s] * scale(options, d) * n(d, s);
        }
      }
      kick(step < steps ? 1 : Rules::last_kick);
    }
    at.smooth = sound;
  }

  /// u += ε c n at sample s; where that is not finite the point stays, as targets need not bear
  /// such numbers, and false is returned.
  bool drift(Tile<double> u, Tile<double> n, std::size_t s, double step,
             const TransitionOptions& options) const {
    bool finite = true;
    for (std::size_t d = 0; d < model_.dim(); ++d) {
      finite = finite && std::isfinite(u(d, s) + step * scale(options, d) * n(d, s));
    }
    if (!finite) return false;
    for (std::size_t d = 0; d < model_.dim(); ++d) u(d, s) += step * scale(options, d) * n(d, s);
    return true;
  }

  static void find_kinetic(std::array<double, tile_size>& kinetic, Tile<double> n) {
    kinetic.fill(0);
    for (std::size_t d = 0; d < n.dim(); ++d) {
      const double* const row = n.row(d);
      for (std::size_t s = 0; s < n.count(); ++s) kinetic[s] += 0.5 * row[s] * row[s];
    }
  }

  void copy_point(LiftedTile& from, LiftedTile& to, std::size_t s) const {
    for (std::size_t d = 0; d < model_.dim(); ++d) {
      to.u.row(d)[s] = from.u.row(d)[s];
      to.gradient.row(d)[s] = from.gradient.row(d)[s];
    }
    to.log_q0[s] = from.log_q0[s];
    to.log_pi[s] = from.log_pi[s];
    to.smooth[s] = from.smooth[s];
  }
  void copy_points(LiftedTile& from, LiftedTile& to, std::size_t count) const {
    for (std::size_t d = 0; d < model_.dim(); ++d) {
      std::copy_n(from.u.row(d), count, to.u.row(d));
      std::copy_n(from.gradient.row(d), count, to.gradient.row(d));
    }
    to.log_q0 = from.log_q0;
    to.log_pi = from.log_pi;
    to.smooth = from.smooth;
  }

  const FlowModel<double>& model_;
  std::span<const double> params_;
  Executor& executor_;
  std::unique_ptr<Base<double>> normal_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<TransitionReport> reports_;
};

extern template class BasicTransitions<HamiltonianRules>;
using Transitions = BasicTransitions<HamiltonianRules>;

}  // namespace riffle
