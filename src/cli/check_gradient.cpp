#include "cli/check_gradient.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "cli/say.h"
#include "cli/wrapped.h"
#include "fit/gradient_warning.h"
#include "riffle/error.h"
#include "riffle/targets.h"

namespace riffle {
namespace {

void show_fault(const Target& target, const GradientFault& f) {
  const double error = f.given - f.difference;
  say("{:<12} {:>12.5g} {:>14.7g} {:>14.7g} {:>14.5g}  FAILED\n",
      fmt::format("z.{}", f.coordinate + 1), f.at, f.given, f.difference, error);
  auto name = coordinate_name(target, f.coordinate);
  if (!name.starts_with("z.") || name.find(',') == std::string::npos) return;
  name.pop_back();
  print_wrapped(std::string(13, ' '), name);
}

}  // namespace

int run_gradient_check(const Spec& spec, const GradientCheckOptions& options) {
  constexpr std::size_t most_shown = 20;
  const auto target = spec_target(spec);
  const auto check = check_gradient(*target, options);
  print_wrapped("", fmt::format("gradient of {}, D = {}: up to {} points of (-2, 2)^D, seed {}",
                                target->name(), target->dim(), options.points, options.seed));
  print_wrapped("", "against differences of ln p, by Richardson's rule");
  say("\n");
  if (!check.faults.empty()) {
    say("{:<12} {:>12} {:>14} {:>14} {:>14}\n", "coordinate", "at", "given", "differences",
        "off by");
    for (std::size_t i = 0; i < std::min(check.faults.size(), most_shown); ++i) {
      show_fault(*target, check.faults[i]);
    }
    if (check.faults.size() > most_shown) {
      say("and {} more coordinates\n", check.faults.size() - most_shown);
    }
    say("\n");
  }
  if (check.not_finite > 0) {
    print_wrapped("", fmt::format("at {} points ln p is finite and its gradient is not: FAILED",
                                  check.not_finite));
  }
  if (check.outside > 0) {
    print_wrapped("", fmt::format("{} more points were left out, as ln p is not finite there",
                                  check.outside));
    const auto failures = target->failures();
    if (!failures.first_message.empty()) print_wrapped("  ", failures.first_message);
  }
  if (check.points > 0 && check.compared == 0) {
    print_wrapped("",
                  "differences tell nothing of ln p at these points: it may not be smooth, or "
                  "not the same twice");
  }
  say("{} points, {} derivatives compared, {} wrong\n", check.points, check.compared, check.wrong);
  if (check.compared == 0 && check.wrong == 0 && check.not_finite == 0) {
    print_wrapped("", "nothing could be compared: FAILED");
  }
  return check.passed() ? 0 : exit_code(ErrorKind::data);
}

}  // namespace riffle
