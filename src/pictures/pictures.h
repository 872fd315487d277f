#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pictures/plots.h"
#include "riffle/fit.h"
#include "riffle/spec.h"

namespace riffle {

/// What a run's pictures need besides its spec.
struct PictureSource {
  const Spec& spec;
  const TrainedFlow& flow;
  const std::vector<Snapshot>& snapshots;
  std::uint64_t loss_every;
  const std::vector<double>& losses;
  const std::string& target;         ///< its name
  const PosteriorReport* posterior;  ///< null where there is none
  const std::vector<HeldOutLoss>& held_out;
  /// Those to show; empty: those that a reader looks for first.
  std::vector<std::string> parameters{};
};

/// Draws all pictures of a run into its folder; of a staged fit these are the page of its
/// posterior.
PlotReport draw_pictures(const PictureSource& source, const std::filesystem::path& folder);

}  // namespace riffle
