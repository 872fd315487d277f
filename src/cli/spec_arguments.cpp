#include "cli/spec_arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "core/expression.h"
#include "riffle/error.h"
#include "targets/formula/formula.h"
#include "targets/target_registry.h"

namespace riffle {

void SpecArguments::add_to(Command& command, const std::string& what_help) {
  what_option_ = command.option("WHAT", what_, what_help);
  density_option_ = command.option(
      "--density", density_, "fit a density given as a formula, such as 'exp(-x^2/2 - (y-x^2)^2)'");
  log_density_option_ =
      command.option("--log-density", log_density_, "the same where the formula is that of ln p");
  command.option("--coordinates", coordinates_,
                 "names of the formula's coordinates, x,y [its free names as they appear]");
  command.option("--samples", samples_,
                 "learn the density of the points in a file, CSV or .npy; WHAT may be a spec file");
  command.option(
      "--stan", stan_,
      "fit a Stan model: MODEL.stan, or its library by tools/stan_model.sh or BridgeStan");
  command.option("--plugin", plugin_, "fit the target in a library (riffle/plugin.h)");
  command.option("--data", data_, "data of the Stan model or plug-in: FILE.json, or JSON");
  command.option("--init", init_,
                 "staged: starts, as a FILE.json of parameters' values, or RADIUS: (-R, R)^D [2]");
  shorthands_ = {
      {"--columns", "target.columns", "a,b,c: the columns of --samples that are fitted"},
      {"--seed", "run.seed", "seed of all random numbers [1]"},
      {"--threads", "run.threads", "0: one for each core, as far as the batch has work"},
      {"--precision", "run.precision", "float or double"},
      {"--flow", "flow.layers", "NAME:COUNT, several joined by '+'; see `riffle list flows`"},
      {"--iterations", "run.iterations", "optimizer steps"},
      {"--batch", "run.batch", "draws in each step"},
      {"--lr", "optimizer.learning_rate", "initial learning rate"},
      {"--objective", "objective.name",
       "NAME or NAME(KEY=VALUE, ...); see `riffle list objectives`"},
      {"--optimizer", "optimizer.name", "the same, of `riffle list optimizers`"},
      {"--schedule", "schedule.name", "the same, of `riffle list schedules`"},
      {"--method", "run.method", "staged: finds out what a posterior needs; flow: as told"},
      {"--max-seconds", "run.max_seconds", "staged: end within this time, with what there is"},
      {"--max-gradients", "run.max_gradients", "staged: and within this many evaluations"},
      {"--fits", "run.fits", "staged: independent fits to compare, the best is kept [1]"},
      {"--output-format", "run.output_format", "of a posterior's draws: plain or cmdstan"},
      {"--resample", "run.resample", "psis: draws resampled by their importance weights"},
  };
  for (auto& s : shorthands_) s.option = command.option(s.name, s.value, s.help);
  command.option("--set", set_, "SECTION.KEY=VALUE: any key of the spec; may be repeated")
      .one_at_a_time();
}

bool SpecArguments::given(std::string_view key) const {
  return std::any_of(shorthands_.begin(), shorthands_.end(),
                     [&](const auto& s) { return s.option.given() && s.key == key; });
}

std::string SpecArguments::name() const {
  if (!has_formula()) return named() ? what_ : file();
  return named() ? std::filesystem::path(what_).stem().string() + "-density" : "density";
}

Spec SpecArguments::spec() const {
  if (!named() && file().empty() && !has_formula()) {
    throw Error(ErrorKind::usage,
                "WHAT is missing: a spec file, a recipe or a target; or --density FORMULA, "
                "--samples FILE, --stan FILE or --plugin FILE");
  }
  const auto fitted = !samples_.empty() ? Fitted::samples
                      : !file().empty() ? Fitted::library
                                        : Fitted::as_told;
  Spec spec = named()                     ? find_spec(what_, fitted)
              : fitted == Fitted::samples ? samples_spec()
                                          : posterior_spec();
  if (named() || has_formula()) refuse_two_targets();
  apply(spec);
  return spec;
}

void SpecArguments::refuse_in_resume() const {
  if (!set_.empty() || !file().empty() || !data_.empty() || has_formula() ||
      !coordinates_.empty() || !init_.empty()) {
    throw Error(ErrorKind::usage,
                "a run is resumed as it was: --set, --density, --log-density, --coordinates, "
                "--samples, --stan, --plugin, --data and --init do not go with it");
  }
  if (what_.empty()) {
    throw Error(ErrorKind::usage,
                "WHAT is missing: `riffle fit DIR --resume` goes on with the run in DIR");
  }
  for (const auto& s : shorthands_) {
    if (s.option.given() && std::string_view(s.key) != "run.threads") {
      throw Error(ErrorKind::usage,
                  fmt::format("a run is resumed as it was: {} does not go with it", s.name));
    }
  }
}

/// A target that is named is fitted, or a file is: a spec file alone goes with both, for its flow
/// and the other settings.
void SpecArguments::refuse_two_targets() const {
  if (has_formula()) {
    const auto* option = log_density_option_.given() ? "--log-density" : "--density";
    if (!file().empty()) {
      throw Error(
          ErrorKind::usage,
          fmt::format("{} and {} do not go together: a run has one target", option, file()));
    }
    const auto targets = target_registry();
    if (std::any_of(targets.begin(), targets.end(),
                    [&](const auto& entry) { return entry.name == what_; })) {
      throw Error(
          ErrorKind::usage,
          fmt::format("{0} and {1} do not go together: a run has one target; leave {1} out, "
                      "or name a recipe or a spec file for its settings",
                      option, what_));
    }
    return;
  }
  std::error_code error;
  const auto status = std::filesystem::status(what_, error);
  if (file().empty() ||
      (std::filesystem::exists(status) && !std::filesystem::is_directory(status))) {
    return;
  }
  const auto* option = !samples_.empty() ? "--samples" : !stan_.empty() ? "--stan" : "--plugin";
  throw Error(ErrorKind::usage,
              fmt::format("{0} {1} and {2} do not go together: a run has one target; leave {2} "
                          "out, and set flow, optimizer and more by --flow, --set or a spec file",
                          option, file(), what_));
}

/// The figure's targets and flows are its own.
void SpecArguments::refuse_with_figure3() const {
  const auto refuse = [](std::string_view what) {
    throw Error(
        ErrorKind::usage,
        fmt::format("figure3 has targets and flows of its own: {} does not go with it", what));
  };
  for (const auto& s : shorthands_) {
    const std::string_view key(s.key);
    if (s.option.given() && (key == "flow.layers" || key == "run.method")) refuse(s.name);
  }
  for (const auto& assignment : set_) {
    const auto key = assignment.substr(0, assignment.find('='));
    const auto section = key.substr(0, key.find('.'));
    if (section == "target" || section == "flow" || key == "run.method") {
      refuse("--set " + key);
    }
  }
  if (!file().empty()) refuse("--samples, --stan or --plugin");
  if (has_formula()) refuse("--density or --log-density");
  if (!data_.empty()) refuse("--data");
  if (!init_.empty()) refuse("--init");
}

/// A formula takes the place of a recipe's or a spec file's target.
void SpecArguments::apply_formula(Spec& spec) const {
  const bool is_log = log_density_option_.given();
  if (is_log && density_option_.given()) {
    throw Error(ErrorKind::usage, "--density and --log-density do not go together: one is enough");
  }
  const auto floor = spec.target.log_floor;
  spec.target = {};
  spec.target.log_floor = floor;
  (is_log ? spec.target.log_density : spec.target.density) = is_log ? log_density_ : density_;
  // What is wrong with it is said in terms of the option, also where it is empty.
  parse_formula(
      is_log ? log_density_ : density_, is_log ? FormulaKind::log_density : FormulaKind::density,
      parse_coordinates(coordinates_, "--coordinates"), is_log ? "--log-density" : "--density");
}

void SpecArguments::apply(Spec& spec) const {
  if (spec.run.method == Method::figure3) refuse_with_figure3();
  if (!samples_.empty()) {
    spec.target.samples = samples_;
    // Another one that is asked for is refused.
    constexpr std::string_view likelihood = "maximum-likelihood";
    if (name_in(spec.objective.name) != likelihood) spec.objective.name = likelihood;
  }
  for (const auto& s : shorthands_) {
    if (!s.option.given()) continue;
    try {
      set_key(spec, s.key, s.value);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("{} {}: {}", s.name, s.value, error.what()));
    }
  }
  if (has_formula()) apply_formula(spec);
  if (!coordinates_.empty()) spec.target.coordinates = coordinates_;
  if (!stan_.empty()) spec.target.stan = stan_;
  if (!plugin_.empty()) spec.target.plugin = plugin_;
  if (!data_.empty()) spec.target.data = data_;
  if (!init_.empty()) spec.target.init = init_;
  // The target's name decides which other keys it has, so it goes first.
  for (const bool names : {true, false}) {
    for (const auto& assignment : set_) {
      const auto equals = assignment.find('=');
      if (equals == std::string::npos) {
        throw Error(ErrorKind::usage, fmt::format("--set {}: write SECTION.KEY=VALUE", assignment));
      }
      const auto key = assignment.substr(0, equals);
      if ((key == "target.name" || key == "target") == names)
        set_key(spec, key, assignment.substr(equals + 1));
    }
  }
  // Who names a flow wants that flow.
  const bool method_set = given("run.method") ||
                          std::any_of(set_.begin(), set_.end(),
                                      [](const auto& s) { return s.starts_with("run.method="); });
  if (!method_set && spec.run.method == Method::staged &&
      (given("flow.layers") || given("objective.name") || given("optimizer.name") ||
       given("schedule.name") || given("run.iterations") || given("run.batch") ||
       given("optimizer.learning_rate"))) {
    spec.run.method = Method::flow;
  }
}

}  // namespace riffle
