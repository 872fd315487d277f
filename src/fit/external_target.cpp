#include "fit/external_target.h"

#include <cmath>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/names.h"
#include "fit/target_options.h"
#include "io/cmdstan.h"
#include "io/model_data.h"
#include "posterior/initial_values.h"
#include "riffle/error.h"
#include "riffle/targets.h"
#include "targets/built_in_target.h"
#include "targets/stan_program.h"
#include "targets/user_target.h"

namespace riffle {

void compile_target(const Spec& spec, const std::atomic<bool>* stop) {
  const auto& stan = spec.target.stan;
  if (is_stan_program(stan)) compile_stan_program(stan, {spec.run.quiet, stop});
}

std::unique_ptr<Target> external_target(const Spec& spec) {
  const auto& t = spec.target;
  if (!t.stan.empty()) {
    return load_stan_model(t.stan, t.data,
                           {spec.run.seed, t.thread_safe, t.generated_quantities, spec.run.quiet});
  }
  if (!t.plugin.empty()) return load_plugin(t.plugin, t.data, {t.thread_safe});
  return nullptr;
}

std::unique_ptr<Target> formula_target_of(const Spec& spec) {
  const auto& t = spec.target;
  return make_formula_target(formula_of(spec), t.density.empty() ? t.log_density : t.density,
                             InstructionSet::parse(spec.run.simd));
}

bool reports_posterior(const Spec& spec) {
  const auto& t = spec.target;
  if (!t.samples.empty()) return false;
  if (!t.stan.empty() || !t.plugin.empty() || spec.run.method == Method::staged) return true;
  const bool wanted =
      has_formula(spec) || find_by_name(target_registry(), t.name, "target").posterior;
  return wanted && spec.run.precision == Precision::float64;
}

std::unique_ptr<Target> posterior_target(const Spec& spec) {
  return reports_posterior(spec) ? spec_target(spec) : nullptr;
}

std::unique_ptr<Target> spec_target(const Spec& spec) {
  if (!spec.target.samples.empty() || spec.run.method == Method::figure3) {
    throw Error(ErrorKind::usage, spec.run.method == Method::figure3
                                      ? "run.method is figure3, which is of many targets"
                                      : "points in a file are no target: their density is unknown");
  }
  if (auto external = external_target(spec)) return external;
  if (has_formula(spec)) return formula_target_of(spec);
  const auto& entry = find_by_name(target_registry(), spec.target.name, "target");
  auto options = target_options(entry, spec, InstructionSet::parse(spec.run.simd));
  return std::make_unique<BuiltInTarget>(entry, std::move(options));
}

std::unique_ptr<Target> built_in_target(std::string_view name,
                                        const BuiltInTargetOptions& options) {
  auto spec = posterior_spec();
  spec.target.name = name;
  if (options.dim) spec.target.dim = *options.dim;
  spec.target.numbers = options.numbers;
  spec.target.data = options.data;
  spec.validate();
  return spec_target(spec);
}

std::vector<std::string> built_in_targets() {
  std::vector<std::string> names;
  for (const auto& entry : target_registry()) names.emplace_back(entry.name);
  return names;
}

void check_for_fit(const Spec& spec, const Target& target) {
  check_target(target);
  auto names = target.parameter_names();
  for (auto& name : target.generated_names()) names.push_back(std::move(name));
  check_layout(spec.run.output_format, names);
  initial_values(spec.target.init, target, spec.run.seed);
}

void make_target_paths_absolute(Spec& spec) {
  auto& t = spec.target;
  const auto absolute = [](std::string& path) {
    path = std::filesystem::absolute(path).lexically_normal().string();
  };
  for (auto* file : {&t.samples, &t.stan, &t.plugin}) {
    if (!file->empty()) absolute(*file);
  }
  if (!t.init.empty() && std::isnan(init_radius(t.init))) absolute(t.init);
  // A plug-in's data may be any text: only what is a file is a path.
  std::error_code error;
  const bool is_path = t.stan.empty() ? !t.data.empty() && std::filesystem::exists(t.data, error)
                                      : is_data_path(t.data);
  if (is_path) absolute(t.data);
}

}  // namespace riffle
