#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "posterior/spent.h"
#include "riffle/fit.h"
#include "riffle/run.h"

namespace riffle {

/// The text of summary.json. Figures that are unknown or not finite are null.
std::string summary_json(const Spec& spec, const FitReport& report);

/// The text of diagnose.json: keys as in summary.json.
std::string diagnosis_json(const Diagnosis& diagnosis);

/// What the search for modes knew.
struct SearchRecord {
  std::uint64_t climbs = 0;
  std::uint64_t modes = 0;
  std::optional<double> unseen_modes;
  bool modes_left_out = false;
  bool out_of_budget = false;
  std::vector<PosteriorStart> starts;  ///< the kept one first; empty where there was no other
};

/// What a summary says of a posterior: all of its report but what is of single draws.
struct PosteriorRecord {
  std::string target;
  PosteriorReport posterior;
};

/// Throws Error{data} for a file that is no summary of a posterior, and as read_file does.
PosteriorRecord read_posterior(const std::filesystem::path& path);

/// What later commands need of a summary.
struct RunRecord {
  StopReason stop_reason = StopReason::completed;
  std::optional<SearchRecord> known;  ///< of a posterior; otherwise nothing
};

/// What the run of a summary asked of its target; nothing where there is no such file, or where it
/// tells nothing of that.
Spent spent_by(const std::filesystem::path& path);

/// Nothing where there is no such file. Throws Error{data} for a file that is no summary, and as
/// read_file does.
std::optional<RunRecord> read_summary(const std::filesystem::path& path);

}  // namespace riffle
