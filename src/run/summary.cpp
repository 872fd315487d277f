#include "run/summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "io/files.h"
#include "riffle/version.h"
#include "run/summary_json.h"

namespace riffle {
namespace {

nlohmann::ordered_json blame_json(const std::vector<Blame>& all) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& one : all) json[one.on] = one.count;
  return json;
}

nlohmann::ordered_json parameters_json(const PosteriorReport& p) {
  auto all = nlohmann::ordered_json::object();
  for (const auto& x : p.parameters) {
    all[x.name] = {{"mean", number(x.mean)}, {"sd", number(x.sd)},   {"mcse", number(x.mcse)},
                   {"q5", number(x.q5)},     {"q50", number(x.q50)}, {"q95", number(x.q95)}};
  }
  return all;
}

nlohmann::ordered_json stages_json(const PosteriorReport& p) {
  auto all = nlohmann::ordered_json::array();
  for (const auto& stage : p.stages) {
    all.push_back({{"name", stage.name},
                   {"told", stage.told},
                   {"gradients", stage.gradients},
                   {"seconds", number(stage.seconds)},
                   {"elbo", number(stage.elbo)},
                   {"elbo_se", number(stage.elbo_se)},
                   {"ess_fraction", number(stage.ess_fraction)}});
  }
  return all;
}

nlohmann::ordered_json trace_json(const PosteriorReport& p) {
  auto all = nlohmann::ordered_json::array();
  for (const auto& point : p.trace) {
    all.push_back(
        {{"gradients", point.gradients}, {"elbo", number(point.elbo)}, {"stage", point.stage}});
  }
  return all;
}

/// What is found anew whenever draws of the flow are weighed.
void add_judgement(nlohmann::ordered_json& summary, const PosteriorReport& p) {
  summary["log_z"] = number(p.log_z);
  summary["log_z_se"] = number(p.log_z_se);
  summary["log_z_up_to_a_constant"] = !p.keeps_constants;
  summary["wider_draws"] = p.wider_draws;
  summary["khat"] = number(p.khat);
  summary["ess"] = number(p.ess);
  summary["ess_fraction"] = number(p.ess_fraction);
  summary["verdict"] = name_of(p.verdict);
  summary["verdict_reasons"] = p.verdict_reasons;
  summary["climbs"] = p.climbs;
  summary["modes"] = p.modes;
  summary["unseen_modes"] = number(p.unseen_modes);
  summary["modes_left_out"] = p.modes_left_out;
  summary["out_of_budget"] = p.out_of_budget;
}

nlohmann::ordered_json starts_json(const PosteriorReport& p) {
  auto all = nlohmann::ordered_json::array();
  for (const auto& start : p.starts) {
    all.push_back({{"log_z", number(start.log_z)},
                   {"log_z_se", number(start.log_z_se)},
                   {"elbo", number(start.elbo)},
                   {"elbo_se", number(start.elbo_se)},
                   {"verdict", name_of(start.verdict)}});
  }
  return all;
}

/// The largest difference in log Z; null where there is nothing to compare.
nlohmann::ordered_json disagreement(const PosteriorReport& p) {
  if (p.starts.size() < 2) return nullptr;
  const auto [least, most] = std::ranges::minmax_element(p.starts, {}, &PosteriorStart::log_z);
  return number(most->log_z - least->log_z);
}

void add_posterior(nlohmann::ordered_json& summary, const PosteriorReport& p) {
  add_judgement(summary, p);
  summary["gradients"] = p.gradients;
  summary["seconds_in_target"] = number(p.seconds_in_target);
  summary["fits"] = starts_json(p);
  summary["disagreement"] = disagreement(p);
  summary["stages"] = stages_json(p);
  summary["trace"] = trace_json(p);
  summary["resampled"] = p.resampled;
  summary["weighted"] = p.weighted;
  summary["transformed_parameters"] = p.parameters.size() - p.parameter_count - p.generated_count;
  summary["kept_ess_fraction"] = number(p.kept_ess_fraction);
  summary["kept_khat"] = number(p.kept_khat);
  summary["generated_quantities"] = p.generated_count;
  if (const auto& missing = p.missing_values; missing.count > 0 || !missing.nowhere.empty()) {
    summary["missing_values"] = {
        {"draws", missing.count}, {"of", missing.name}, {"nowhere", missing.nowhere}};
  }
  summary["parameters"] = parameters_json(p);
}

std::optional<double> known_number(const nlohmann::ordered_json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.get<double>());
}

/// The counterpart of add_judgement.
void take_judgement(const nlohmann::ordered_json& json, PosteriorReport& p) {
  p.log_z = number_of(json.at("log_z"));
  p.log_z_se = number_of(json.at("log_z_se"));
  p.keeps_constants = !json.at("log_z_up_to_a_constant").get<bool>();
  p.khat = known_number(json.at("khat"));
  p.ess = number_of(json.at("ess"));
  p.ess_fraction = number_of(json.at("ess_fraction"));
  p.verdict = choice_of<Grade>(json.at("verdict"));
  p.verdict_reasons = json.at("verdict_reasons").get<std::vector<std::string>>();
  p.climbs = json.at("climbs").get<std::uint64_t>();
  p.modes = json.at("modes").get<std::uint64_t>();
  p.unseen_modes = known_number(json.at("unseen_modes"));
  p.modes_left_out = json.at("modes_left_out").get<bool>();
  p.out_of_budget = json.at("out_of_budget").get<bool>();
}

/// The counterpart of add_posterior.
void take_posterior(const nlohmann::ordered_json& json, PosteriorReport& p) {
  take_judgement(json, p);
  p.draws = json.at("evaluation_draws").get<std::uint64_t>();
  p.elbo = number_of(json.at("elbo"));
  p.elbo_se = number_of(json.at("elbo_se"));
  p.gradients = json.at("gradients").get<std::uint64_t>();
  p.seconds = number_of(json.at("seconds"));
  p.seconds_in_target = number_of(json.at("seconds_in_target"));
  for (const auto& s : json.at("stages")) {
    p.stages.push_back({s.at("name").get<std::string>(), s.at("told").get<std::string>(),
                        s.at("gradients").get<std::uint64_t>(), number_of(s.at("seconds")),
                        number_of(s.at("elbo")), number_of(s.at("elbo_se")),
                        number_of(s.at("ess_fraction"))});
  }
  for (const auto& point : json.at("trace")) {
    p.trace.push_back({point.at("gradients").get<std::uint64_t>(), number_of(point.at("elbo")),
                       point.at("stage").get<std::size_t>()});
  }
  p.resampled = json.at("resampled").get<bool>();
  p.weighted = json.at("weighted").get<bool>();
  for (const auto& [name, f] : json.at("parameters").items()) {
    p.parameters.push_back({name, number_of(f.at("mean")), number_of(f.at("sd")),
                            number_of(f.at("mcse")), number_of(f.at("q5")), number_of(f.at("q50")),
                            number_of(f.at("q95"))});
  }
  const auto count = [&](const char* key) {
    return json.contains(key) ? json.at(key).get<std::size_t>() : 0;
  };
  p.generated_count = std::min(count("generated_quantities"), p.parameters.size());
  p.parameter_count = p.parameters.size() - p.generated_count;
  p.parameter_count -= std::min(count("transformed_parameters"), p.parameter_count);
}

}  // namespace

std::string summary_json(const Spec& spec, const FitReport& report) {
  nlohmann::ordered_json summary;
  summary["target"] = report.target;
  if (!report.target_description.empty()) {
    summary["target_description"] = report.target_description;
  }
  summary["dim"] = report.flow.dim();
  if (const auto& columns = report.flow.definition().columns; !columns.empty()) {
    summary["columns"] = columns;
  }
  summary["base"] = report.flow.definition().base;
  summary["flow"] = report.flow.definition().layers;
  // Of a posterior, "parameters" are the model's.
  summary[report.posterior ? "flow_parameters" : "parameters"] =
      report.flow.definition().params.size();
  const bool staged = spec.run.method == Method::staged;  // which chooses these by itself
  if (!staged) summary["objective"] = spec.objective.name;
  summary["iterations"] = report.iterations;
  if (!staged) summary["batch"] = spec.run.batch;
  summary["seed"] = spec.run.seed;
  summary["threads"] = report.threads;
  summary["precision"] = name_of(spec.run.precision);
  summary["simd"] = report.simd;
  summary["version"] = version();
  summary["stop_reason"] = name_of(report.stop_reason);
  summary["method"] = name_of(spec.run.method);
  summary["seconds"] = number(report.posterior ? report.posterior->seconds : report.seconds);
  summary["us_per_iteration"] = number(report.us_per_iteration);
  summary["evaluation_draws"] =
      report.posterior ? report.posterior->draws : spec.run.evaluation_draws;
  summary["bound"] = number(report.bound);
  summary["bound_se"] = number(report.bound_se);
  summary["elbo"] = number(report.elbo);
  summary["elbo_se"] = number(report.elbo_se);
  summary["log_z_true"] = number(report.log_z_true);
  summary["kl"] = number(report.kl);
  summary["kl_se"] = number(report.kl_se);
  if (report.log_likelihood) {
    summary["log_likelihood"] = number(report.log_likelihood);
    summary["log_likelihood_se"] = number(report.log_likelihood_se);
    summary["samples"] = report.samples;
    summary["held_out"] = report.held_out;
    summary["far_off"] = report.far_off;
    summary["far_off_judged"] = report.far_off_judged;
  }
  summary["invalid_draws"] = report.invalid_draws;
  summary["invalid_training_draws"] = report.invalid_training_draws;
  summary["invalid_training_draws_by"] = blame_json(report.invalid_training_draws_by);
  summary["refused_steps"] = report.refused_steps;
  summary["refused_steps_by"] = blame_json(report.refused_steps_by);
  if (report.evaluations > 0) {
    summary["evaluations"] = report.evaluations;
    summary["failed_evaluations"] = report.failed_evaluations;
    if (report.failed_evaluations > 0) summary["first_failure"] = report.first_failure;
  }
  summary["injective"] = report.injective;
  if (report.posterior) add_posterior(summary, *report.posterior);
  summary["warnings"] = report.warnings;
  return text_of(summary);
}

std::string diagnosis_json(const Diagnosis& d) {
  const auto& p = d.posterior;
  nlohmann::ordered_json json;
  json["target"] = d.target;
  json["dim"] = d.flow.dim();
  json["base"] = d.flow.definition().base;
  json["flow"] = d.flow.definition().layers;
  json["seed"] = d.seed;
  json["version"] = version();
  json["seconds"] = number(p.seconds);
  json["evaluation_draws"] = p.draws;
  json["elbo"] = number(p.elbo);
  json["elbo_se"] = number(p.elbo_se);
  json["log_z_true"] = number(d.log_z_true);
  json["failed_evaluations"] = p.failed_evaluations;
  if (p.failed_evaluations > 0) json["first_failure"] = p.first_failure;
  add_judgement(json, p);
  json["gradients"] = p.gradients;
  json["seconds_in_target"] = number(p.seconds_in_target);
  json["weighted"] = p.weighted;
  json["parameters"] = parameters_json(p);
  return text_of(json);
}

Spent spent_by(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  return taken_from(path, [](const nlohmann::ordered_json& json) {
    Spent spent;
    if (!json.contains("gradients")) return spent;
    spent.evaluations = json.at("gradients").get<std::uint64_t>();
    spent.failed_evaluations = json.value("failed_evaluations", std::uint64_t{0});
    spent.first_failure = json.value("first_failure", std::string());
    spent.seconds_in_target = number_of(json.at("seconds_in_target"));
    spent.seconds = number_of(json.at("seconds"));
    return spent;
  });
}

std::optional<RunRecord> read_summary(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  return taken_from(path, [](const nlohmann::ordered_json& json) -> std::optional<RunRecord> {
    RunRecord record{choice_of<StopReason>(json.at("stop_reason")), std::nullopt};
    if (!json.contains("verdict")) return record;
    auto& known = record.known.emplace();
    known.climbs = json.at("climbs").get<std::uint64_t>();
    known.modes = json.at("modes").get<std::uint64_t>();
    known.unseen_modes = known_number(json.at("unseen_modes"));
    known.modes_left_out = json.at("modes_left_out").get<bool>();
    known.out_of_budget = json.at("out_of_budget").get<bool>();
    if (json.contains("fits")) {
      for (const auto& start : json.at("fits")) {
        known.starts.push_back({number_of(start.at("log_z")), number_of(start.at("log_z_se")),
                                number_of(start.at("elbo")), number_of(start.at("elbo_se")),
                                choice_of<Grade>(start.at("verdict"))});
      }
    }
    return record;
  });
}

PosteriorRecord read_posterior(const std::filesystem::path& path) {
  return taken_from(path, [](const nlohmann::ordered_json& json) {
    PosteriorRecord record{json.at("target").get<std::string>(), {}};
    take_posterior(json, record.posterior);
    return record;
  });
}

}  // namespace riffle
