#include "cli/fit_posterior.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>

#include "cli/wrapped.h"
#include "core/figure_text.h"
#include "diagnostics/verdict.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::size_t shown_parameters = 12;

/// 12345678 -> "12.3 M".
std::string amount(std::uint64_t n) {
  const auto x = static_cast<double>(n);
  if (n >= 10'000'000) return fmt::format("{:.0f} M", x / 1e6);
  if (n >= 1'000'000) return fmt::format("{:.1f} M", x / 1e6);
  return n >= 10'000 ? fmt::format("{:.0f} k", x / 1e3) : fmt::format("{}", n);
}

void show_parameters(const PosteriorReport& p) {
  std::size_t width = 9;
  const std::size_t n = std::min(p.parameters.size(), shown_parameters);
  for (std::size_t i = 0; i < n; ++i) width = std::max(width, p.parameters[i].name.size());
  fmt::print("\n{:<{}} {:>10} {:>10} {:>9} {:>10} {:>10} {:>10}\n", "parameter", width, "mean",
             "sd", "mcse", "5 %", "50 %", "95 %");
  for (std::size_t i = 0; i < n; ++i) {
    const auto& x = p.parameters[i];
    fmt::print("{:<{}} {:>10.4g} {:>10.4g} {:>9.2g} {:>10.4g} {:>10.4g} {:>10.4g}\n", x.name, width,
               x.mean, x.sd, x.mcse, x.q5, x.q50, x.q95);
  }
  if (n < p.parameters.size()) {
    fmt::print("… and {} more, in summary.json\n", p.parameters.size() - n);
  }
}

}  // namespace

void show_stage(const PosteriorStage& stage) {
  print_wrapped(fmt::format("{:<8}", stage.name), stage.told);
  std::fflush(stdout);
}

void show_posterior(const PosteriorReport& p) {
  const double share = p.seconds > 0 ? p.seconds_in_target / p.seconds : 0;
  fmt::print("\nlog Z    {}{}\n", figure_text(p.log_z, p.log_z_se),
             p.keeps_constants ? "" : "   up to an unknown constant");
  fmt::print("ELBO     {}\n", figure_text(p.elbo, p.elbo_se));
  fmt::print("weights  {:.0f} of {} draws effective ({:.1f} %), k̂ {}\n", p.ess, p.draws,
             100 * p.ess_fraction, p.khat ? fmt::format("{:.2f}", *p.khat) : "not fitted");
  fmt::print("cost     {} gradients in {:.2f} s", amount(p.gradients), p.seconds);
  if (p.seconds_in_target > 0) {
    fmt::print(", of which {:.2f} s of thread time in the target ({:.0f} % of the run)",
               p.seconds_in_target, 100 * share);
  }
  fmt::print("\n");
  if (p.failed_evaluations > 0) {
    print_wrapped("failures ", fmt::format("{} evaluations of the target; the first said: {}",
                                           p.failed_evaluations, p.first_failure));
  }
  show_parameters(p);
  fmt::print("{}\n", p.weighted ? "(draws weighted by their importance)" : "(draws as they are)");

  fmt::print("\nverdict  {}\n", p.verdict);
  for (const auto& reason : p.verdict_reasons) print_wrapped("         - ", reason);
}

int exit_code_of(const PosteriorReport& p) {
  if (p.verdict != name_of(Grade::unreliable)) return 0;
  fmt::print(stderr, "riffle: the fit is unreliable, and --strict was asked for\n");
  return exit_code(ErrorKind::data);
}

}  // namespace riffle
