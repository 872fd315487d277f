#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/wrapped.h"
#include "riffle/error.h"
#include "run/audit_folder.h"

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
      return "-";
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
  auto text = fmt::format("{:<15} {:<42} {:<12} {}", name, found, bound, last);
  text.resize(text.find_last_not_of(' ') + 1);
  say("{}\n", text);
}

int run_check(const std::string& folder, const AuditOptions& options) {
  const auto audit = audit_folder(folder, options);
  const auto& d = audit.flow.definition();
  print_wrapped("", fmt::format("{} on {}, D = {}, {}: {} draws of seed {}", d.layers, d.base,
                                d.dim, d.precision, options.draws, options.seed));
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
  if (not_checked > 0) say(", {} could not be made (-)", not_checked);
  say("\n");
  return failed == 0 ? 0 : exit_code(ErrorKind::data);
}

}  // namespace

Command add_check(CLI::App& app) {
  struct Given {
    std::string folder;
    std::string seed = "1";
    std::string draws = std::to_string(AuditOptions().draws);
  };
  auto a = std::make_shared<Given>();
  auto* check = app.add_subcommand("check", "audit a trained flow: inverse, log-det, ∫q = 1, ...");
  check->add_option("DIR", a->folder, "folder of a run, or a model file (.riffle)")->required();
  check->add_option("--seed", a->seed, "seed of the draws [1]");
  check->add_option("--draws", a->draws, fmt::format("how many draws [{}]", a->draws));
  check->footer(
      "Checks that the flow gives what it gave when it was saved, that its map does not fold, "
      "that\n"
      "its inverse is its inverse, its log-det that of its Jacobian, ln q the same both ways, its\n"
      "density normalised, and its numbers right, or none, far out.\n"
      "Tolerances: 1e-10 in double, 1e-4 in float; of ∫q, 1e-4 and 1e-3, or five standard errors\n"
      "where it is found by importance sampling (D > 2). Bounds add what rounding explains.\n"
      "Exit codes: 0 nothing failed, 64 usage, 65 a check failed or the model is damaged,\n"
      "66 no model.");
  return {check, [a] {
            return run_check(a->folder,
                             {whole_number("--seed", a->seed), whole_number("--draws", a->draws)});
          }};
}

}  // namespace riffle
