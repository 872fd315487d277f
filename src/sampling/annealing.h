#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/executor.h"
#include "core/instruction_set.h"
#include "core/philox.h"
#include "model/draws.h"
#include "model/flow_model.h"
#include "sampling/hamiltonian.h"
#include "targets/density.h"

namespace riffle {

/// How particles go from a model to a target.
struct ParticleOptions {
  std::size_t particles = 1024;
  /// Equal parts that are resampled apart, so that they say how far off the evidence may be; a
  /// divisor of `particles`, 4 at least for an error.
  std::size_t islands = 16;
  /// Temperatures, ascending to 1, fixed beforehand; empty: chosen by the conditional effective
  /// sample size, a fraction of the particles, that a step of the temperature leaves.
  std::vector<double> temperatures{};
  double conditional_ess = 0.5;
  std::size_t most_temperatures = 100;  ///< of those chosen: the last of them is 1 in any case
  /// An island is resampled where fewer of its particles, as a fraction, are effective, or some
  /// have no weight; 0: never.
  double resample_below = 0.5;
  std::size_t moves = 4;  ///< transitions at each temperature
  /// `beta` is of no account, and the step size the first one.
  TransitionOptions transition{.step_size = 1, .step_ratio = 50, .steps = 8};
  /// What the mean acceptance is driven to by the step size, from one transition to the next; 0:
  /// the step size stays.
  double wanted_acceptance = 0.8;
  /// Whether so many more evaluations of the target are too many; asked before each transition.
  std::function<bool(std::uint64_t next)> stop = [](std::uint64_t) { return false; };
};

/// One temperature on the way.
struct AnnealingStep {
  double beta = 0;
  double ess_fraction = 0;    ///< by all weights, before resampling
  std::size_t resampled = 0;  ///< islands
  double step_size = 0;       ///< the largest, in the first transition
  TransitionReport moves;     ///< no proposals: stopped before
};

/// Particles, and the evidence that they are worth.
struct Particles {
  Draws draws;                         ///< where they are, log_p too
  std::vector<double> u;               ///< the same in the base's coordinates, row-major [n][dim]
  std::vector<double> log_weights;     ///< ln of weights whose mean is Z; -infinity: of no account
  std::vector<std::size_t> ancestors;  ///< which of the first draws each comes from
  double beta = 0;                     ///< 1, unless it was stopped or no weight was left
  /// ln of the mean weight: the target's ln ∫p at β = 1; -infinity where no weight is left.
  double log_z = 0;
  /// Standard error of log_z, by the islands: that of the jackknife, times the quantile of
  /// Student's t over that of the normal, so that two of them hold nineteen times of twenty for a
  /// few islands, too. NaN where fewer than 4 islands have any weight, or β < 1.
  double log_z_se = 0;
  std::vector<AnnealingStep> steps;
  std::uint64_t gradients = 0;       ///< evaluations of the target
  std::uint64_t failed = 0;          ///< first draws without finite ln p, and failed proposals
  double acceptance = 0;             ///< over all transitions; NaN without any
  std::size_t unique_ancestors = 0;  ///< of particles that have weight
};

/// Sequential Monte Carlo (P. Del Moral, A. Doucet & A. Jasra, JRSS B 68, 2006; with no resampling
/// the annealed importance sampling of R. Neal, Stat. Comput. 11, 2001) from fresh draws of a model
/// q to a target p, along γ_β = q0^(1-β) π^β in the coordinates of q's base, where it is
/// q^(1-β) p^β. At each temperature
///   w_i *= (π(u_i)/q0(u_i))^(β' - β) at the points as they are (Del Moral et al., eq. 31: moves
///     that leave γ_β' as it is need the weights of the points before them),
///   systematic resampling within islands, after which all weights of an island are their mean,
///   Hamiltonian transitions that leave γ_β' as it is.
/// The next temperature is where the conditional effective sample size (Y. Zhou, A. Johansen &
/// J. Aston, JCGS 25, 2016, eq. 3.16), N (Σ W_i v_i)² / Σ W_i v_i², v the factors of the step and W
/// the weights before it, falls to the given fraction of N; where particles without weight make
/// that impossible, of the others.
///
/// The mean weight is an unbiased estimate of Z (Del Moral 2004, theorem 7.4.2) for temperatures
/// and step sizes that are fixed; chosen ones depend on all particles, which biases it by O(1/N).
/// So islands are independent but for what they choose together.
///
/// First draws where ln p is not finite have no weight (-infinity is outside the support; the rest
/// are failures). Random numbers are those of `stream`, from its step on, which must be followed by
/// as many free steps as there are temperatures and transitions, and one more. The result does not
/// depend on the number of threads.
Particles anneal(const FlowModel<double>& model, std::span<const double> params,
                 const Density<double>& target, const ParticleOptions& options,
                 const RandomStream& stream, Executor& executor, InstructionSet set);

}  // namespace riffle
