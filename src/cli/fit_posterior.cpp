#include "cli/fit_posterior.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "cli/parameter_table.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "cli/wrapped.h"
#include "core/figure_text.h"
#include "diagnostics/verdict.h"
#include "io/output.h"
#include "riffle/error.h"
#include "run/report_fields.h"

namespace riffle {
namespace {

constexpr std::size_t shown_parameters = 12;  // all are in summary.json

/// The independent fits beside each other, where there are several.
void show_fits(const PosteriorReport& p) {
  if (p.starts.size() < 2) return;
  say("\n{:<6} {:>20} {:>20}  {}\n", "fit", "log Z", "ELBO", "verdict by itself");
  for (std::size_t k = 0; k < p.starts.size(); ++k) {
    const auto& start = p.starts[k];
    say("{:<6} {} {}  {}\n", k == 0 ? "kept" : fmt::format("{}", k + 1),
        right_aligned(figure_text(start.log_z, start.log_z_se), 20),
        right_aligned(figure_text(start.elbo, start.elbo_se), 20), name_of(start.verdict));
  }
}

}  // namespace

void show_stage(const PosteriorStage& stage) {
  print_wrapped(fmt::format("{:<8}", stage.name), stage.told);
  std::fflush(standard_output());
}

void show_figures(const PosteriorReport& p) {
  for (const auto& f : shown_figures(p)) {
    const bool relative = f.name == "log_z" && !p.keeps_constants;
    say("{:<8} {}{}\n", f.label, figure_text(f.value, f.error),
        relative ? "   up to an unknown constant" : "");
  }
}

void show_posterior(const PosteriorReport& p, const std::filesystem::path& folder) {
  const double share = p.seconds > 0 ? p.seconds_in_target / p.seconds : 0;
  say("\n");
  show_figures(p);
  say("ELBO     {}\n", figure_text(p.elbo, p.elbo_se));
  const auto khat = [](const std::optional<double>& k) {
    return k ? fmt::format("{:.2f}", *k) : "not fitted";
  };
  auto weights = fmt::format("{:.0f} of {} draws effective ({:.1f} %), k̂ {}", p.ess, p.draws,
                             100 * p.ess_fraction, khat(p.khat));
  if (std::isfinite(p.kept_ess_fraction)) {
    weights += fmt::format("; of the {} kept {:.1f} %, k̂ {}", p.log_weights.size(),
                           100 * p.kept_ess_fraction, khat(p.kept_khat));
  }
  print_wrapped("weights  ", weights);
  if (p.chains > 0) {
    print_wrapped("sampler  ",
                  fmt::format("{} chains of {} draws: R̂ at most {:.3f}, {:.0f} effective "
                              "draws at least; log Z {} by the bridge",
                              p.chains, p.chain_length, p.r_hat, std::min(p.ess_bulk, p.ess_tail),
                              figure_text(p.log_z_bridge, p.log_z_bridge_se)));
  }
  auto cost = fmt::format("{} gradients in {}", amount(p.gradients), duration_text(p.seconds));
  if (p.seconds_in_target > 0) {
    cost += fmt::format(", of which {} of thread time in the target ({:.0f} % of the run)",
                        duration_text(p.seconds_in_target), 100 * share);
  }
  print_wrapped("cost     ", cost);
  if (p.failed_evaluations > 0) {
    print_wrapped("failures ", fmt::format("{} evaluations of the target; the first said: {}",
                                           p.failed_evaluations, p.first_failure));
  }
  say("\n");
  print_parameters(std::span(p.parameters).first(std::min(p.parameters.size(), shown_parameters)));
  if (p.parameters.size() > shown_parameters) {
    print_wrapped("… ", fmt::format("and {} more: `riffle summary {}` has them all",
                                    p.parameters.size() - shown_parameters, folder.string()));
  }
  say("{}\n", p.draws_by == DrawsBy::sampler ? "(draws of the sampler)"
              : p.weighted                   ? "(draws weighted by their importance)"
                                             : "(draws as they are)");

  show_fits(p);
  say("\nverdict  {}\n", name_of(p.verdict));
  for (const auto& reason : p.verdict_reasons) print_wrapped("         - ", reason);
}

int exit_code_of(const PosteriorReport& p) {
  if (p.verdict != Grade::unreliable) return 0;
  complain("riffle: the fit is unreliable, and --strict was asked for\n");
  return exit_code(ErrorKind::data);
}

}  // namespace riffle
