#include "run/summary.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "riffle/version.h"

namespace riffle {
namespace {

nlohmann::ordered_json number(double x) {
  return std::isfinite(x) ? nlohmann::ordered_json(x) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json number(const std::optional<double>& x) {
  return x ? number(*x) : nlohmann::ordered_json(nullptr);
}

}  // namespace

std::string summary_json(const Spec& spec, const FitReport& report) {
  nlohmann::ordered_json summary;
  summary["target"] = report.target;
  if (!report.target_description.empty()) {
    summary["target_description"] = report.target_description;
  }
  summary["dim"] = report.flow.dim();
  summary["base"] = spec.base.name;
  summary["flow"] = spec.flow.layers;
  summary["parameters"] = report.flow.definition().params.size();
  summary["objective"] = spec.objective.name;
  summary["iterations"] = report.iterations;
  summary["batch"] = spec.run.batch;
  summary["seed"] = spec.run.seed;
  summary["threads"] = report.threads;
  summary["precision"] = spec.run.precision;
  summary["simd"] = report.simd;
  summary["version"] = version();
  summary["stop_reason"] = report.stop_reason;
  summary["seconds"] = number(report.seconds);
  summary["us_per_iteration"] = number(report.us_per_iteration);
  summary["evaluation_draws"] = spec.run.evaluation_draws;
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
  }
  summary["invalid_draws"] = report.invalid_draws;
  summary["invalid_training_draws"] = report.invalid_training_draws;
  summary["refused_steps"] = report.refused_steps;
  if (report.evaluations > 0) {
    summary["evaluations"] = report.evaluations;
    summary["failed_evaluations"] = report.failed_evaluations;
    if (report.failed_evaluations > 0) summary["first_failure"] = report.first_failure;
  }
  summary["injective"] = report.injective;
  summary["warnings"] = report.warnings;
  // What a library says need not be UTF-8.
  return summary.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace riffle
