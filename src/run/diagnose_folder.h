#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "riffle/posterior.h"
#include "riffle/trained_flow.h"

namespace riffle {

inline constexpr std::uint64_t most_diagnosis_draws = 10'000'000;

struct DiagnosisOptions {
  std::optional<std::uint64_t> draws;  ///< 5 times those of the run where nothing is said
  std::optional<std::uint64_t> seed;   ///< that of the run; the draws are new ones all the same
};

struct Diagnosis {
  std::string target;
  TrainedFlow flow;
  std::uint64_t seed = 1;
  std::optional<double> log_z_true;
  PosteriorReport posterior;  ///< cost and failures are those of the diagnosis
  std::vector<std::string> warnings;
};

/// Weighs fresh draws of the flow of a run against its posterior and judges the fit again, with
/// what its search for modes knew. Writes diagnose.json into the folder. Throws Error{no_input}
/// where there is no run, Error{usage} where it is not of a posterior or not finished, and
/// Error{data} where its files do not go together, or its data have changed.
Diagnosis diagnose_folder(const std::filesystem::path& folder, const DiagnosisOptions& options);

}  // namespace riffle
