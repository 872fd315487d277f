#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/executor.h"
#include "core/instruction_set.h"
#include "model/trained_model.h"
#include "posterior/modes.h"
#include "targets/density.h"

namespace riffle {

struct MixtureFitOptions {
  std::uint64_t seed = 1;
  std::uint64_t number = 0;  ///< tells apart the random numbers of fits with one seed
  std::size_t most_components = 64;
  std::size_t rounds = 4;
  std::uint64_t draws = 8192;  ///< in a round
  InstructionSet set;
  /// Ends it before the round that it comes true in.
  std::function<bool()> hurry = [] { return false; };
};

/// A mixture of normals that starts from three of different widths for each mode, so that tails may
/// be heavier than a normal's, or from one where there are fewer than 512 draws for each, weighted
/// by Laplace's approximation, and is fitted by rounds of importance-weighted EM: population Monte
/// Carlo (Cappé, Douc, Guillin, Marin & Robert 2008). It moves mass between modes however far apart
/// they are, which gradients do not. In the end it is a little wider than the draws say, and 0.25 %
/// / D of it 3 times as wide. Components have diagonal covariances in coordinates that are whitened
/// by the modes' mean covariance.
TrainedModel<double> fit_mixture(const Density<double>& target, std::span<const Mode> modes,
                                 const MixtureFitOptions& options, Executor& executor);

/// For modes that are no normals, or run into each other along a ridge: more normals than modes,
/// placed where weighted draws of `from`, as fit_mixture() makes it, say that p is, as many as
/// these can tell apart, in rounds, while more of the draws get effective. The last round only
/// tells how good the one before was.
TrainedModel<double> fit_many_normals(const Density<double>& target, std::span<const Mode> modes,
                                      const TrainedModel<double>& from,
                                      const MixtureFitOptions& options, Executor& executor);

}  // namespace riffle
