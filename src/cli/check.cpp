#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/check_gradient.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/wrapped.h"
#include "riffle/error.h"
#include "riffle/run.h"

namespace riffle {
namespace {

constexpr std::size_t found_column = 16;

std::string_view verdict(AuditOutcome outcome) {
  switch (outcome) {
    case AuditOutcome::ok:
      return "ok";
    case AuditOutcome::failed:
      return "FAILED";
    case AuditOutcome::not_checked:
      return "cannot tell";
  }
  return "";
}

/// One line of the table; fmt counts characters as a terminal shows them. On a terminal that is too
/// narrow for it, what is found and its bound come one after the other.
void line(std::string_view name, std::string_view found, std::string_view bound,
          std::string_view last) {
  constexpr std::size_t width = 79;
  if (text_columns() < width) {
    print_wrapped(fmt::format("{:<{}}", name, found_column),
                  fmt::format("{}; {}{}{}", found, bound, last.empty() ? "" : ": ", last));
    return;
  }
  auto text = fmt::format("{:<15} {:<38} {:<12} {}", name, found, bound, last);
  text.resize(text.find_last_not_of(' ') + 1);
  say("{}\n", text);
}

int run_check(const std::string& folder, const AuditOptions& options) {
  const auto audit = audit_folder(folder, options);
  const auto& d = audit.flow.definition();
  print_wrapped("", fmt::format("{} on {}, D = {}, {}: {} draws of seed {}", d.layers, d.base,
                                d.dim, name_of(d.precision), options.draws, options.seed));
  print_wrapped("", "errors relative to 1 + |x|; bounds: the precision's tolerance, and rounding");
  say("\n");
  line("check", "found", "bound", "");
  std::size_t failed = 0;
  std::size_t not_checked = 0;
  for (const auto& r : audit.results) {
    line(r.name, r.found, r.bound, verdict(r.outcome));
    if (!r.note.empty()) print_wrapped(std::string(found_column, ' '), r.note);
    failed += r.outcome == AuditOutcome::failed ? 1 : 0;
    not_checked += r.outcome == AuditOutcome::not_checked ? 1 : 0;
  }
  say("\n{} checks, {} failed", audit.results.size(), failed);
  if (not_checked > 0) say(", {} cannot tell", not_checked);
  say("\n");
  return failed == 0 ? 0 : exit_code(ErrorKind::data);
}

struct Given {
  std::string folder;
  std::string seed = "1";
  std::string draws;
  std::string target;
  std::string stan;
  std::string plugin;
  std::string density;
  std::string log_density;
  std::string data;
  std::vector<std::string> set;
  std::string points;
};

/// The target that is to be checked; nothing where it is a flow.
std::optional<Spec> target_of(const Given& a) {
  std::vector<std::string_view> given;
  if (!a.folder.empty()) given.push_back("DIR");
  auto spec = posterior_spec();
  const auto take = [&](std::string_view option, const std::string& value, std::string& key) {
    if (value.empty()) return;
    given.push_back(option);
    key = value;
  };
  auto& t = spec.target;
  take("--target", a.target, t.name);
  take("--stan", a.stan, t.stan);
  take("--plugin", a.plugin, t.plugin);
  take("--density", a.density, t.density);
  take("--log-density", a.log_density, t.log_density);
  if (given.empty()) {
    throw Error(ErrorKind::usage,
                "nothing to check: give DIR of a run, or a target by --target, --stan, --plugin, "
                "--density or --log-density");
  }
  if (given.size() > 1) {
    throw Error(ErrorKind::usage,
                fmt::format("{} and {} are two things to check: give one", given[0], given[1]));
  }
  if (!a.folder.empty()) {
    if (!a.data.empty() || !a.set.empty() || !a.points.empty()) {
      throw Error(ErrorKind::usage,
                  "--data, --set and --points are of a target's gradient, and DIR is a run: "
                  "leave them out");
    }
    return std::nullopt;
  }
  if (!a.draws.empty()) {
    throw Error(ErrorKind::usage, "--draws is of a flow; of a gradient it is --points");
  }
  t.data = a.data;
  for (const auto& assignment : a.set) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos || !assignment.starts_with("target.")) {
      throw Error(ErrorKind::usage, fmt::format("--set {}: write target.KEY=VALUE", assignment));
    }
    set_key(spec, assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  spec.run.quiet = true;
  spec.validate();
  return spec;
}

int run(const Given& a) {
  const auto seed = whole_number("--seed", a.seed);
  if (const auto spec = target_of(a)) {
    GradientCheckOptions options;
    options.seed = seed;
    if (!a.points.empty()) options.points = whole_number("--points", a.points);
    return run_gradient_check(*spec, options);
  }
  AuditOptions options;
  options.seed = seed;
  if (!a.draws.empty()) options.draws = whole_number("--draws", a.draws);
  return run_check(a.folder, options);
}

}  // namespace

void add_check(CommandLine& line) {
  auto a = std::make_shared<Given>();
  auto& check = line.add(
      "check", "audit a trained flow: inverse, log-det, ∫q = 1, ...; or a target's gradient");
  check.option("DIR", a->folder, "folder of a run, or a model file (.riffle)");
  check.option("--seed", a->seed, "seed of the draws, or of the points [1]");
  check.option("--draws", a->draws, fmt::format("how many draws [{}]", AuditOptions().draws));
  check.option("--target", a->target, "instead, the gradient of a built-in target");
  check.option("--stan", a->stan, "of a Stan model: MODEL.stan, or its library");
  check.option("--plugin", a->plugin, "of the target in a library (riffle/plugin.h)");
  check.option("--density", a->density, "of a density given as a formula");
  check.option("--log-density", a->log_density, "the same where the formula is that of ln p");
  check.option("--data", a->data, "data of the target: FILE.json, JSON, or a table's file");
  check.option("--set", a->set, "target.KEY=VALUE: any key of the target; may be repeated")
      .one_at_a_time();
  check.option("--points", a->points,
               fmt::format("at how many points [{}]", GradientCheckOptions().points));
  check.footer(
      "Checks that the flow gives what it gave when it was saved, that its map does not fold, "
      "that\n"
      "its inverse is its inverse, its log-det that of its Jacobian, ln q the same both ways, its\n"
      "density normalised, and its numbers right far out: finite up to |z| = 1000, beyond it "
      "right\n"
      "or none.\n"
      "Tolerances: 1e-10 in double, 1e-4 in float; of ∫q, 1e-4 and 1e-3, or five standard errors\n"
      "where it is found by importance sampling (D > 2). Bounds add what rounding explains, layer\n"
      "by layer. Where rounding leaves most figures open, where those disagree that lie farther "
      "out\n"
      "than any draw, or where q has tails too heavy for the sampling, a check cannot tell, says\n"
      "why, and does not fail.\n"
      "Of a target: whether its gradient is that of its ln p, by differences; says which "
      "coordinate\n"
      "is off by how much.\n"
      "Exit codes: 0 nothing failed, 64 usage, 65 a check failed or the model is damaged,\n"
      "66 no model.");
  check.does([a] { return run(*a); });
}

}  // namespace riffle
