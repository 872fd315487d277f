#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "core/executor.h"
#include "core/instruction_set.h"
#include "core/philox.h"
#include "posterior/lbfgs.h"
#include "posterior/normal.h"

namespace riffle {

/// A proper maximum of ln p.
struct Mode {
  Normal normal;          ///< mean at the maximum; covariance (-∂²ln p)⁻¹ there
  double log_p = 0;       ///< at the maximum
  double log_mass = 0;    ///< Laplace's approximation of the integral around it
  std::size_t found = 0;  ///< climbs that ended here
};

/// What climbing from many places found.
struct ModeSearch {
  std::vector<Mode> modes;     ///< heaviest first; those of negligible mass left out
  std::size_t climbs = 0;      ///< that began where ln p is finite
  std::size_t impossible = 0;  ///< starts where it was not, or its gradient
  std::size_t nan = 0;         ///< of these, where ln p was NaN
  std::size_t nothing = 0;     ///< where it was -infinity
  std::size_t infinite = 0;    ///< where it was +infinity
  std::size_t unsettled = 0;   ///< climbs from near the origin that reached no maximum
  /// The normal with the highest ELBO, by a few draws: Laplace's at the heaviest mode, or where
  /// that says little of p, the best along the paths that led there. Empty where no climb began.
  std::optional<Normal> start;
  double start_elbo = -std::numeric_limits<double>::infinity();

  /// Share of the climbs whose mode no other climb reached: what Good (1953) takes for the mass,
  /// in terms of climbs, of modes that were never reached.
  double unseen() const;
};

struct ModeSearchOptions {
  std::size_t starts = 8;  ///< uniform on (-reach, reach)^D, as Stan's are
  double reach = 2;
  /// Where there are some, the first starts are these, the first `starts` of them, and the next
  /// ones while ln p is finite at none.
  std::vector<Eigen::VectorXd> given{};
  std::size_t most_tries = 100;  ///< of these, where ln p is finite at none
  /// Around what was found, up to 30 of its standard deviations off. Of two equal normals 10
  /// standard deviations apart 8 miss one in 44 of 100 searches, 32 in 2.
  std::size_t wide_starts = 32;
  std::size_t most_starts = 1024;  ///< where the climbs disagree
  AscentOptions climb{};
  /// Evaluations of a wide climb, at most, where no near one has found a maximum: these may all go
  /// up a spike without end. 0: no such limit.
  std::uint64_t most_unsettled = 0;
  InstructionSet set{};
  double negligible = 10;  ///< nats below the heaviest, or below the start's ELBO
  /// Whether so many more evaluations, as the next round of climbs may take, are too many: then the
  /// search makes do with what there is. Asked between rounds, so that what comes of it does not
  /// depend on the number of threads.
  std::function<bool(std::uint64_t next)> stop = [](std::uint64_t) { return false; };
  /// Whether to make do at once. Asked before each climb and by several threads at once.
  std::function<bool()> abandon = [] { return false; };
};

/// Climbs ln p from many places. The result does not depend on the number of threads.
ModeSearch search_modes(const PointDensity& density, const ModeSearchOptions& options,
                        std::uint64_t seed, Executor& executor);

}  // namespace riffle
