#include <fmt/format.h>

#include "core/cores.h"
#include "core/executor.h"
#include "diagnostics/audit.h"
#include "model/trained_model.h"
#include "riffle/diagnostics.h"
#include "riffle/error.h"

namespace riffle {
namespace {

template <class T>
std::vector<AuditResult> audit_as(const TrainedFlow& flow, const AuditOptions& options) {
  const auto trained = trained_model<T>(flow, InstructionSet::best());
  const auto exact = trained_model<double>(flow, InstructionSet::scalar());
  Executor executor(usable_cores());
  return audit<T>(*trained.model, *exact.model, trained.params, options, executor);
}

}  // namespace

void check_audit_options(const AuditOptions& options) {
  if (options.draws > 0 && options.draws <= most_audit_draws) return;
  throw Error(ErrorKind::usage, fmt::format("{} draws to check by: 1 to {} are possible",
                                            options.draws, most_audit_draws));
}

std::vector<AuditResult> audit(const TrainedFlow& flow, const AuditOptions& options) {
  check_audit_options(options);
  return flow.definition().precision == Precision::float32 ? audit_as<float>(flow, options)
                                                           : audit_as<double>(flow, options);
}

}  // namespace riffle
