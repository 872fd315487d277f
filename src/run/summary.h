#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "posterior/spent.h"
#include "riffle/fit.h"
#include "riffle/run.h"
#include "run/report_fields.h"

namespace riffle {

/// The text of summary.json. Figures that are unknown or not finite are null.
std::string summary_json(const Spec& spec, const FitReport& report);

/// The text of diagnose.json: keys as in summary.json.
std::string diagnosis_json(const Diagnosis& diagnosis);

/// Nothing where there is no such file. Throws Error{data} for a file that is no summary, and as
/// read_file does.
std::optional<Summary> read_summary(const std::filesystem::path& path);

/// The same of any run, of a figure of many fits, too.
std::optional<StopReason> read_stop_reason(const std::filesystem::path& path);

/// What the run of a summary asked of its target; nothing where there is no such file, or where it
/// tells nothing of that.
Spent spent_by(const std::filesystem::path& path);

}  // namespace riffle
