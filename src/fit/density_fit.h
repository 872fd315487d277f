#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fit/resumable_fit.h"
#include "fit/whitening.h"
#include "io/points.h"
#include "riffle/fit.h"

namespace riffle {

/// Points whose density is learned, each part row-major [n][dim].
struct SplitPoints {
  std::size_t dim = 0;
  std::vector<std::string> columns{};  ///< names of the coordinates; empty where they have none
  std::vector<double> training{};      ///< n >= 1
  std::vector<double> held_out{};      ///< may be empty
  std::vector<char> training_far{};    ///< of each row, whether a number in it is far off
  std::vector<char> held_out_far{};
  std::size_t far_off = 0;  ///< rows
  Whitening whitening;
  std::vector<std::string> warnings{};
};

/// Reads the points of spec.target.samples, and holds some of them out; where spec.flow leaves the
/// layers to the points, it is told them. Throws as read_points does, Error{data} where there are
/// none or they have no density, and Error{usage} where spec and points do not go together; a fit
/// of spec to what is returned does not fail for its input.
SplitPoints split_points(Spec& spec);
/// The same of points that are there already; spec.target.samples says what they are called.
SplitPoints split_points(Spec& spec, const Points& points);

/// Fits spec.flow to points by maximum likelihood, stopping early where those that are held out say
/// so. `points` are split_points of the same spec.
FitReport density_fit(const Spec& spec, const SplitPoints& points, const FitCallbacks& callbacks,
                      const FitHooks& hooks);

}  // namespace riffle
