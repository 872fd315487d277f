#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "diagnostics/audit.h"
#include "riffle/trained_flow.h"

namespace riffle {

struct FolderAudit {
  TrainedFlow flow;
  std::vector<AuditResult> results;  ///< "check vectors" first, then those of diagnostics/audit.h
};

/// Audits the flow in `where` (model_of). Throws Error where there is no model, or one that is
/// damaged; check vectors that are not reproduced are a result.
FolderAudit audit_folder(const std::filesystem::path& where, const AuditOptions& options);

}  // namespace riffle
