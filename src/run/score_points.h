#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "run/run_folder.h"

namespace riffle {

/// What `riffle logdensity` is asked for.
struct ScoreRequest {
  std::filesystem::path where;       ///< model_of
  std::filesystem::path points;      ///< io/points.h
  std::vector<std::string> columns;  ///< those of the points that are looked at; empty: all
  Coordinates coordinates = Coordinates::parameters;
  bool log_p = false;
};

/// Writes, for each of the points, ln q of the flow in a column lp_approx__ and the share of the
/// flow's own draws that have a smaller one in a column percentile, after ln p in a column lp__
/// where it is asked for, as CSV to `file`, or to standard output where that is empty.
///
/// Points of a posterior's run are parameters on their own scale, found by their names: ln q is
/// that of their unconstrained values, as in draws.csv. Unless `coordinates` are unconstrained:
/// then, and of all else, they are points of the flow's space, whose columns are found by name
/// where both have names. Rows of points outside the support are nan. Warnings, also of those, go
/// to `warnings`.
///
/// Throws Error{usage} where the flow is not injective or has no inverse, where ln p is asked for
/// and there is none, or where the target cannot unconstrain parameters; Error{data} where points
/// and flow do not go together; and as open_posterior_run does.
void score_points(const ScoreRequest& request, const std::filesystem::path& file,
                  std::vector<std::string>& warnings);

}  // namespace riffle
