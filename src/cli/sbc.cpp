#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>

#include "calibration/calibration.h"
#include "cli/commands.h"
#include "cli/many_fits.h"
#include "cli/say.h"
#include "cli/spec_arguments.h"
#include "cli/wrapped.h"
#include "core/figure_text.h"
#include "pictures/studio.h"
#include "riffle/error.h"

namespace riffle {
namespace {

struct SbcArguments {
  SpecArguments spec;
  std::size_t simulations = 1000;
  std::string shard;
  std::string out;
  bool no_plots = false;
  bool quiet = false;
};

// 60 columns.
void show(const CalibrationReport& r) {
  constexpr std::size_t most = 20;
  say("{} simulations, {} failed, {} unreliable\n\n", r.simulations, r.failed, r.unreliable);
  say("{:<20} {:>6} {:>6} {:>6} {:>6} {:>8}\n", "", "bias", "width", "50 %", "90 %", "p");
  std::size_t shown = 0;
  for (const auto& q : r.quantities) {
    if (++shown > most) {
      say("... and {} more in summary.json\n", r.quantities.size() - most);
      break;
    }
    const auto& t = q.reliable;
    if (t.count == 0) continue;
    say("{:<20} {:>6.2f} {:>6.2f} {:>6.1f} {:>6.1f} {:>8.2g}{}\n", shortened(q.name, 20), t.bias,
        t.width, 100 * t.coverage[0], 100 * t.coverage[2], q.adjusted_p,
        q.adjusted_p < wrong_alarm ? " *" : "");
  }
  say("\n");
  if (std::isfinite(r.log_z_mean)) {
    say("mean log Z   {}\n", figure_text(r.log_z_mean, r.log_z_mean_se));
  }
  std::string reasons;
  for (std::size_t i = 0; i < r.reasons.size() && i < 5; ++i) {
    reasons += (i == 0 ? "" : "; ") + r.reasons[i];
  }
  print_wrapped("verdict      ", fmt::format("{}: {}", name_of(r.verdict), reasons));
  if (r.unreliable > 0) say("with all     {}\n", name_of(r.verdict_all));
  if (r.verdict == Calibration::calibrated) {
    print_wrapped("             ",
                  fmt::format("a bias of {:.2f} sd or a width {:.0f} % off would be found",
                              r.detectable_bias, 100 * r.detectable_width));
  }
}

int run(const SbcArguments& a) {
  const Spec spec = a.spec.spec();
  if (a.simulations == 0) throw Error(ErrorKind::usage, "--simulations 0: there is nothing to do");
  const Shard shard = parse_shard(a.shard);
  const auto folder =
      a.out.empty()
          ? std::filesystem::path("runs") /
                fmt::format("{}-sbc", std::filesystem::path(a.spec.name()).stem().string())
          : std::filesystem::path(a.out);
  stop_on_signals();
  ManyFits fits(a.quiet);
  const auto outcome =
      run_calibration(spec, a.simulations, folder, shard, fits.callbacks(), !a.no_plots);
  fits.finish();
  for (const auto& warning : outcome.batch.warnings) complain("warning: {}\n", warning);
  for (const auto& warning : outcome.warnings) complain("warning: {}\n", warning);
  if (outcome.batch.interrupted) return tell_of_interruption();
  if (a.quiet) return 0;
  if (outcome.report) {
    show(*outcome.report);
    say("wrote {}\n", folder.string());
  } else {
    say("{} simulations are left for other shards\n", outcome.batch.left);
  }
  return 0;
}

}  // namespace

void add_sbc(CommandLine& line) {
  auto a = std::make_shared<SbcArguments>();
  auto& sbc =
      line.add("sbc", "simulation-based calibration: whether fits of a model can be trusted");
  a->spec.add_to(sbc, "a spec file (TOML) whose target is a Stan model");
  sbc.option("--simulations", a->simulations, "data sets to simulate and fit [1000]");
  sbc.option("--shard", a->shard, "K/N: of the simulations those with number K, K + N, ...");
  sbc.option("--out", a->out, "folder [runs/WHAT-sbc]");
  sbc.flag("--no-plots", a->no_plots, "draw no picture");
  sbc.flag("--quiet", a->quiet, "show warnings and errors only");
  sbc.footer(
      "The Stan model's generated quantities simulate: NAME_sim is a draw of the prior of the\n"
      "parameter NAME, and, of an entry NAME of the data, data that are made of these draws.\n"
      "--data is a pattern, whose entries with a simulation are replaced. Each data set is fitted\n"
      "as `riffle fit` does, a fit a thread, and the truth is ranked among 199 draws of equal\n"
      "weight; so are ln p and, where the model has log_lik, the log likelihood.\n"
      "bias is in posterior sds (above 0: fits are too low), width that of fits over the right\n"
      "one, then the coverage of central intervals, and p, which accounts for all quantities:\n"
      "below 0.05 (*) the model's fits are not calibrated. Fits that say of themselves that they\n"
      "are unreliable are counted and left out of the verdict; one with all stands beside it.\n"
      "The same command goes on where it was stopped or killed; shards may run at once.\n"
      "Writes batch.json, rows-K-of-N.jsonl and, when all are done, results.csv, ranks.csv,\n"
      "summary.json and calibration.png and .svg.\n"
      "Exit codes: 0 done, whatever the verdict; 64 usage, 65 bad data, 66 no input, 73 cannot\n"
      "create, 74 I/O error, 130 interrupted.");
  sbc.does([a] {
    try {
      return run(*a);
    } catch (const Error&) {
      if (!stop_on_signals()) throw;
      return tell_of_interruption();
    }
  });
}

}  // namespace riffle
