#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "batch/batch.h"
#include "calibration/calibration_report.h"
#include "riffle/spec.h"

namespace riffle {

struct CalibrationOutcome {
  BatchOutcome batch;
  std::optional<CalibrationReport> report;  ///< once all simulations have a row
  std::vector<std::string> warnings;
};

/// Simulation-based calibration (S. Talts et al., arXiv:1804.06788, 2018; M. Modrák et al.,
/// Bayesian Analysis, 2023) of the fit that the spec describes: `count` data sets are simulated and
/// fitted as a batch, in its folder and by its rules, so that shards, threads and interruptions
/// leave the same bits. Whichever call finds all rows there writes ranks.csv, summary.json and the
/// picture. Throws as simulate() and run_batch() do.
CalibrationOutcome run_calibration(const Spec& spec, std::size_t count,
                                   const std::filesystem::path& folder, Shard shard,
                                   const BatchCallbacks& callbacks, bool pictures);

}  // namespace riffle
