#include <fmt/format.h>

#include "core/aligned.h"
#include "core/cores.h"
#include "core/executor.h"
#include "diagnostics/audit.h"
#include "model/flow_model.h"
#include "riffle/diagnostics.h"
#include "riffle/error.h"

namespace riffle {
namespace {

template <class T>
std::vector<AuditResult> audit_as(const TrainedFlow::Definition& d, const AuditOptions& options) {
  const auto layers = parse_flow(d.layers);
  const auto model = make_model<T>(d.base, layers, {d.dim, 0, InstructionSet::best()});
  const auto exact = make_model<double>(d.base, layers, {d.dim, 0, InstructionSet::scalar()});
  AlignedVector<T> params;
  for (const double p : d.params) params.push_back(static_cast<T>(p));
  Executor executor(usable_cores());
  return audit<T>(model, exact, params, options, executor);
}

}  // namespace

void check_audit_options(const AuditOptions& options) {
  if (options.draws > 0 && options.draws <= most_audit_draws) return;
  throw Error(ErrorKind::usage, fmt::format("{} draws to check by: 1 to {} are possible",
                                            options.draws, most_audit_draws));
}

std::vector<AuditResult> audit(const TrainedFlow& flow, const AuditOptions& options) {
  check_audit_options(options);
  const auto& d = flow.definition();
  return d.precision == Precision::float32 ? audit_as<float>(d, options)
                                           : audit_as<double>(d, options);
}

}  // namespace riffle
