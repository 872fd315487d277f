#include "run/summary.h"

#include "run/summary_json.h"

namespace riffle {
namespace {

bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace

std::string summary_json(const Spec& spec, const FitReport& report) {
  return text_of(json_of({&spec, report.flow.definition(), spec.run.seed, report}));
}

std::string diagnosis_json(const Diagnosis& d) {
  const FitFigures figures{.target = d.target,
                           .elbo = d.posterior.elbo,
                           .elbo_se = d.posterior.elbo_se,
                           .log_z_true = d.log_z_true,
                           .evaluations = d.posterior.gradients,
                           .failed_evaluations = d.posterior.failed_evaluations,
                           .first_failure = d.posterior.first_failure,
                           .posterior = d.posterior};
  return text_of(json_of({nullptr, d.flow.definition(), d.seed, figures}));
}

std::optional<Summary> read_summary(const std::filesystem::path& path) {
  if (!is_there(path)) return std::nullopt;
  return taken_from(path, &summary_of);
}

std::optional<StopReason> read_stop_reason(const std::filesystem::path& path) {
  if (!is_there(path)) return std::nullopt;
  return taken_from(path, [](const nlohmann::ordered_json& json) {
    return choice_named<StopReason>(json.at("stop_reason").get<std::string>());
  });
}

Spent spent_by(const std::filesystem::path& path) {
  const auto summary = read_summary(path);
  if (!summary || !summary->fit.posterior) return {};
  const auto& p = *summary->fit.posterior;
  return {p.gradients, summary->fit.failed_evaluations, summary->fit.first_failure,
          p.seconds_in_target, p.seconds};
}

}  // namespace riffle
