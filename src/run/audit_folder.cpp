#include "run/audit_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "flows/flow_model.h"
#include "io/model_file.h"
#include "riffle/error.h"
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

template <class T>
std::vector<AuditResult> audit_flow(const TrainedFlow::Definition& d, const AuditOptions& options) {
  const auto layers = parse_flow(d.layers);
  const auto model = make_model<T>(d.base, layers, {d.dim, 0, InstructionSet::best()});
  const auto exact = make_model<double>(d.base, layers, {d.dim, 0, InstructionSet::scalar()});
  AlignedVector<T> params;
  for (const double p : d.params) params.push_back(static_cast<T>(p));
  Executor executor(std::max(1U, std::thread::hardware_concurrency()));
  return audit<T>(model, exact, params, options, executor);
}

}  // namespace

FolderAudit audit_folder(const std::filesystem::path& where, const AuditOptions& options) {
  if (options.draws == 0 || options.draws > most_audit_draws) {
    throw Error(ErrorKind::usage, fmt::format("{} draws to check by: 1 to {} are possible",
                                              options.draws, most_audit_draws));
  }
  const auto model = read_model(model_of(where));
  const auto& definition = model.flow.definition();
  FolderAudit audit{model.flow, {check_vectors(model)}};
  auto results = definition.precision == "float" ? audit_flow<float>(definition, options)
                                                 : audit_flow<double>(definition, options);
  std::move(results.begin(), results.end(), std::back_inserter(audit.results));
  return audit;
}

}  // namespace riffle
