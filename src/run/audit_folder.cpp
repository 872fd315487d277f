#include "riffle/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "diagnostics/audit.h"
#include "model/model_file.h"
#include "run/run_folder.h"

namespace riffle {
namespace {

AuditResult check_vectors(const ModelFile& model) {
  const double deviation = check_deviation(model);
  const double most = check_tolerance(model.flow.definition().precision);
  return {"check vectors",
          fmt::format("against those saved: {:.1e}, {} draws", deviation, model.check.log_q.size()),
          fmt::format("{:.1e}", most), deviation <= most ? AuditOutcome::ok : AuditOutcome::failed,
          ""};
}

}  // namespace

FolderAudit audit_folder(const std::filesystem::path& where, const AuditOptions& options) {
  check_audit_options(options);
  const auto model = read_model(model_of(where));
  FolderAudit folder{model.flow, {check_vectors(model)}};
  auto results = audit(model.flow, options);
  std::move(results.begin(), results.end(), std::back_inserter(folder.results));
  return folder;
}

}  // namespace riffle
