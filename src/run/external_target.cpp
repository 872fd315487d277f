#include "run/external_target.h"

#include <cmath>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/names.h"
#include "io/cmdstan.h"
#include "run/initial_values.h"
#include "run/target_options.h"
#include "targets/built_in_target.h"
#include "targets/model_data.h"
#include "targets/plugin.h"
#include "targets/stan_model.h"
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
    std::filesystem::path library(t.stan);
    if (is_stan_program(library))
      library = compile_stan_program(library, {spec.run.quiet, nullptr});
    return load_stan_model(library, t.data, {spec.run.seed, t.thread_safe, t.generated_quantities});
  }
  if (!t.plugin.empty()) return load_plugin(t.plugin, t.data, {t.thread_safe});
  return nullptr;
}

std::unique_ptr<Target> formula_target_of(const Spec& spec) {
  const auto& t = spec.target;
  return make_formula_target(formula_of(spec), t.density.empty() ? t.log_density : t.density,
                             InstructionSet::parse(spec.run.simd));
}

std::unique_ptr<Target> posterior_target(const Spec& spec) {
  if (!spec.target.samples.empty()) return nullptr;
  if (auto external = external_target(spec)) return external;
  if (has_formula(spec)) {
    if (spec.run.method != "staged" && spec.run.precision != "double") return nullptr;
    return formula_target_of(spec);
  }
  const auto& entry = find_by_name(target_registry(), spec.target.name, "target");
  const bool wanted =
      spec.run.method == "staged" || (entry.posterior && spec.run.precision == "double");
  if (!wanted) return nullptr;
  auto options = target_options(entry, spec, InstructionSet::parse(spec.run.simd));
  return std::make_unique<BuiltInTarget>(entry, std::move(options));
}

void check_for_fit(const Spec& spec, const Target& target) {
  check_target(target);
  auto names = target.parameter_names();
  for (auto& name : target.generated_names()) names.push_back(std::move(name));
  check_layout(draws_format(spec.run.output_format), names);
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
