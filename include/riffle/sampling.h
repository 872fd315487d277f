#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "riffle/target.h"
#include "riffle/trained_flow.h"

namespace riffle {

struct SampleOptions {
  std::uint64_t seed = 1;
  std::uint64_t chains = 64;        ///< 4 or more
  std::uint64_t most_draws = 1280;  ///< of each chain, in the last round
  double most_r_hat = 1.03;         ///< at which rounds end, over all coordinates,
  double least_ess = 1000;  ///< where so many draws are effective, in the bulk and the tails
  std::uint64_t most_gradients = std::numeric_limits<std::uint64_t>::max();
};

/// Draws of a target by chains. Figures are the worst over coordinates.
struct SampleReport {
  std::size_t dim = 0;
  std::uint64_t chains = 0;
  std::uint64_t length = 0;   ///< draws of each chain; 0: it was stopped before there were any
  std::vector<double> z;      ///< unconstrained, [chain][draw][dim]
  std::vector<double> log_p;  ///< [chain][draw]
  std::vector<double> log_q;  ///< of the flow that they started from, [chain][draw]
  bool converged = false;     ///< as was asked for
  double r_hat = std::numeric_limits<double>::quiet_NaN();
  double ess_bulk = std::numeric_limits<double>::quiet_NaN();
  double ess_tail = std::numeric_limits<double>::quiet_NaN();
  std::size_t coordinate = 0;  ///< of r_hat, from 0
  double acceptance = std::numeric_limits<double>::quiet_NaN();
  double failed = 0;  ///< share of the proposals that met a point without a number
  std::uint64_t temperatures = 0;
  std::uint64_t gradients = 0;  ///< evaluations of the target
};

/// Draws from a target p by Hamiltonian chains in the coordinates of a flow's base, with p(f(u))
/// |det ∂f/∂u| as their density: annealed particles go from fresh draws of the flow to p, chains
/// start there and go on in rounds, each twice as long, until R̂ and the effective sizes (Vehtari et
/// al. 2021) are as wanted; between rounds the coordinates are whitened by what was found. The
/// worse the flow, the more that takes; a normal will do for most.
///
/// Chains do not go from one mode to another that is far away, and see what the flow has no draw
/// near as little as the flow does. The result is the same on any number of threads; it takes all
/// cores, or one where the target is not thread-safe. Throws Error{usage} where dimensions or
/// options do not do, or the flow folds; what the target throws goes through.
SampleReport sample(const Target& target, const TrainedFlow& flow,
                    const SampleOptions& options = {});

}  // namespace riffle
