#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "riffle/diagnostics.h"
#include "riffle/posterior.h"
#include "riffle/spec.h"
#include "riffle/target.h"
#include "riffle/trained_flow.h"

// Folders that `riffle fit` has made. Each function may be called from several threads at once.

namespace riffle {

/// What is in the folder of a run.
struct Run {
  Spec spec;
  TrainedFlow flow;
  std::unique_ptr<Target> target;  ///< null of a fit to points
  std::string summary;             ///< the text of summary.json; empty where it is not finished
  std::vector<std::string> warnings;
};

/// Reads one. Throws Error{no_input} where there is no run or a library is gone, Error{usage} for a
/// figure of many flows, and Error{data} where flow and target do not go together, or the data have
/// changed since.
Run open_run(const std::filesystem::path& folder);

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

struct FolderAudit {
  TrainedFlow flow;
  std::vector<AuditResult> results;  ///< "check vectors" first, then those of audit()
};

/// Audits the flow in `where`, the folder of a run or a model file. Throws Error where there is no
/// model, or one that is damaged; check vectors that are not reproduced are a result.
FolderAudit audit_folder(const std::filesystem::path& where, const AuditOptions& options);

}  // namespace riffle
