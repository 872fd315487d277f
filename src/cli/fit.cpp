#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "cli/fit_figure3.h"
#include "cli/fit_posterior.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "cli/spec_arguments.h"
#include "cli/watchdog.h"
#include "cli/wrapped.h"
#include "core/expression.h"
#include "core/figure_text.h"
#include "diagnostics/verdict.h"
#include "figure3/figure3_folder.h"
#include "fit/external_target.h"
#include "riffle/error.h"
#include "riffle/fit.h"
#include "riffle/spec.h"
#include "run/run_folder.h"

namespace riffle {
namespace {

constexpr int interrupted_exit = 130;  // what a shell reports for a program ended by Ctrl-C
constexpr int hung_exit = 75;          // "temporary failure" of sysexits.h

// A signal handler can reach nothing but this.
std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void request_stop(int signal) {
  // A second Ctrl-C ends the process at once.
  std::signal(signal, SIG_DFL);
  stop_requested.store(true, std::memory_order_relaxed);
}

struct FitArguments {
  SpecArguments spec;
  std::string out;
  bool force = false;
  bool resume = false;
  bool no_plots = false;
  bool quiet = false;
  bool strict = false;
};

/// What is of the run, not of the fit.
void apply(const FitArguments& a, Spec& spec) {
  if (a.no_plots) spec.run.plots = false;
  if (a.strict) spec.run.strict = true;
  if (a.quiet) spec.run.quiet = true;
  if (a.force) spec.run.force = true;
  if (!a.out.empty()) spec.run.out = a.out;
}

/// runs/WHAT-SEED; of a spec file its stem, or its folder's name where it is a run's own spec.toml.
std::filesystem::path default_folder(const std::string& what, const Spec& spec) {
  std::filesystem::path name(what);
  for (const auto& file : {spec.target.samples, spec.target.stan, spec.target.plugin}) {
    if (what == file) name = name.stem();
  }
  if (name.extension() == ".toml") {
    const auto parent = std::filesystem::absolute(name).parent_path().filename();
    name = name.stem() == "spec" && !parent.empty() ? parent : name.stem();
  }
  return std::filesystem::path("runs") /
         fmt::format("{}-{}", name.filename().string(), spec.run.seed);
}

void report_figures(const FitReport& r, const Spec& spec) {
  if (r.log_likelihood) {
    const bool held_out = r.held_out > 0;
    const auto points = (held_out ? r.held_out : r.samples) - r.invalid_draws - r.far_off_judged;
    say("  ln q   {}   (mean over {} {}point{}{})\n", figure_text(*r.log_likelihood, r.bound_se),
        points, held_out ? "held-out " : "", points == 1 ? "" : "s",
        held_out ? "" : " it was trained on");
  } else {
    say("  bound  {}   ({})\n", figure_text(r.bound, r.bound_se), name_in(spec.objective.name));
    say("  ELBO   {}\n", figure_text(r.elbo, r.elbo_se));
  }
  if (r.log_likelihood) {
    // There is no density to compare with.
  } else if (r.kl) {
    say("  KL     {}   (log Z = {:.6f})\n", figure_text(*r.kl, *r.kl_se), *r.log_z_true);
  } else {
    say("  KL     unknown: the target's log Z is not known\n");
  }
}

void report(const RunOutcome& outcome, const Spec& spec) {
  const auto& r = outcome.report;
  const bool staged = spec.run.method == Method::staged;
  if (!staged)
    print_wrapped(std::string(name_of(r.stop_reason)) + ": ",
                  fmt::format("{} on {}, {} iterations of {} draws in {} ({} each, {}, {}, {} {})",
                              r.flow.definition().layers, r.target, r.iterations, spec.run.batch,
                              duration_text(r.seconds), duration_text(1e-6 * r.us_per_iteration),
                              name_of(spec.run.precision), r.simd, r.threads,
                              r.threads == 1 ? "thread" : "threads"));
  if (r.posterior) {
    show_posterior(*r.posterior, outcome.folder);
  } else {
    report_figures(r, spec);
  }
  if (!outcome.pictures.empty()) {
    say("pictures in {}:\n", outcome.folder.string());
    std::size_t samples = 0;
    for (const auto& picture : outcome.pictures) {
      const bool is_png = picture.extension() == ".png";
      if (picture.parent_path() == "samples") {
        samples += is_png ? 1 : 0;
      } else if (is_png || picture.extension() == ".gif") {
        say("  {}\n", (outcome.folder / picture).string());
      }
    }
    if (samples > 0) {
      say("  {}   ({} of them)\n", (outcome.folder / "samples/flow_result_*.png").string(),
          samples);
    }
    say("  and each{} as .svg\n", r.posterior ? "" : " but the animation");
  }
  say("wrote {}\n", (outcome.folder / run_files::summary).string());
}

/// Ends the process, for a target that hangs cannot be stopped in any other way.
[[noreturn]] void end_hung(double max_seconds, bool has_flow, const std::filesystem::path& folder) {
  const auto where = has_flow ? fmt::format("the flow of the last finished stage is in {}",
                                            (folder / run_files::model).string())
                              : std::string("no flow was fitted by then");
  complain(
      "riffle: the target hangs: no call of it ended in {:g} s, and the time of {:g} s is "
      "over; {}\n",
      Watchdog::grace(max_seconds), max_seconds, where);
  std::_Exit(hung_exit);
}

int run_fit(const FitArguments& a) {
  Spec shown;  // what the report names
  TargetCalls calls;
  std::atomic<bool> has_flow{false};
  std::optional<Watchdog> watchdog;
  double max_seconds = std::numeric_limits<double>::infinity();
  const auto watch = [&](const Spec& spec, const std::filesystem::path& folder) {
    const double s = spec.run.max_seconds;
    max_seconds = s;
    if (spec.run.method != Method::staged || !std::isfinite(s)) return;
    watchdog.emplace(s, calls, [&has_flow, s, folder] { end_hung(s, has_flow, folder); });
  };
  const auto make_callbacks = [&](Progress& progress, bool quiet) {
    FitCallbacks callbacks;
    callbacks.stop = &stop_requested;
    callbacks.calls = &calls;
    callbacks.on_progress = [&](const FitProgress& p) { progress.tick(p); };
    callbacks.on_log = [&](std::uint64_t i, double loss) { progress.log(i, loss); };
    callbacks.on_activity = [&](const PosteriorActivity& activity) {
      progress.activity(activity, max_seconds);
    };
    callbacks.on_stage = [&has_flow, &progress, quiet](const PosteriorStage& stage) {
      progress.finish();
      // The search for modes makes no flow, and has no bound.
      if (!std::isnan(stage.elbo)) has_flow = true;
      if (!quiet) show_stage(stage);
    };
    return callbacks;
  };
  std::signal(SIGINT, &request_stop);
  std::signal(SIGTERM, &request_stop);
  // Who reads no further, as head does, wants no more lines, but the results all the same.
  std::signal(SIGPIPE, SIG_IGN);

  std::optional<RunOutcome> outcome;
  if (a.resume) {
    a.spec.refuse_in_resume();
    if (!a.out.empty()) {
      throw Error(ErrorKind::usage,
                  "a run is resumed where it is: --out does not go with --resume");
    }
    const auto& folder = a.spec.what();
    const auto change = [&](Spec& spec) {
      a.spec.apply(spec);
      apply(a, spec);
    };
    if (is_figure3(folder)) {
      return run_resume_figure3(
          folder, [&](Spec& spec) { change(spec); }, stop_requested);
    }
    Progress progress(a.quiet);
    outcome = resume_in_folder(
        folder,
        [&](Spec& spec) {
          change(spec);
          shown = spec;
          compile_target(spec, &stop_requested);  // before its time begins
          watch(spec, folder);
        },
        make_callbacks(progress, a.quiet), [&] { progress.step("drawing pictures"); });
    progress.finish();
  } else {
    Spec spec = a.spec.spec();
    apply(a, spec);
    spec.validate();
    const std::filesystem::path folder = spec.run.out.empty() ? default_folder(a.spec.name(), spec)
                                                              : std::filesystem::path(spec.run.out);
    if (spec.run.method == Method::figure3) return run_fit_figure3(spec, folder, stop_requested);
    Progress progress(spec.run.quiet);
    compile_target(spec, &stop_requested);  // before its time begins
    watch(spec, folder);
    if (spec.run.force) remove_figure3(folder);
    outcome = run_in_folder(spec, folder, make_callbacks(progress, spec.run.quiet),
                            [&] { progress.step("drawing pictures"); });
    progress.finish();
    shown = spec;
  }
  watchdog.reset();
  if (!shown.run.quiet) report(*outcome, shown);
  for (const auto& warning : outcome->report.warnings) {
    complain("warning: {}\n", warning);
  }
  if (outcome->report.stop_reason == StopReason::interrupted) {
    complain("interrupted; `riffle fit {} --resume` {}\n", outcome->folder.string(),
             shown.run.method == Method::staged ? "starts it again" : "goes on");
    return interrupted_exit;
  }
  const auto& posterior = outcome->report.posterior;
  if (!posterior) return 0;
  if (shown.run.strict) return exit_code_of(*posterior);
  if (shown.run.quiet && posterior->verdict == Grade::unreliable) {
    complain("warning: the fit is unreliable: {}\n", posterior->verdict_reasons.front());
  }
  return 0;
}

}  // namespace

void add_fit(CommandLine& line) {
  auto a = std::make_shared<FitArguments>();
  auto& fit = line.add("fit", "train a flow on a target and write what came of it");
  a->spec.add_to(
      fit, "a spec file (TOML), a recipe or a built-in target; with --resume, a run's folder");
  fit.option("--out", a->out, "folder of the run [runs/WHAT-SEED]");
  fit.flag("--force", a->force, "replace the run that is in the folder");
  fit.flag("--resume", a->resume,
           "go on with the run in the folder WHAT, to the same bits as if it had not stopped");
  fit.flag("--no-plots", a->no_plots, "draw no pictures");
  fit.flag("--strict", a->strict, "exit code 65 where a posterior's verdict is unreliable");
  fit.flag("--quiet", a->quiet, "show warnings and errors only");
  fit.footer(
      "Writes spec.toml, model.riffle, loss.csv, draws.csv, samples.csv, summary.json and "
      "pictures;\n"
      "figure3 a model of each fit, figure3.csv, summary.json and pictures.\n"
      "Exit codes: 0 done, 64 usage, 65 bad data, 66 no input, 73 cannot create, 74 I/O error,\n"
      "75 the target hangs (--max-seconds), 130 interrupted (what was reached is written).\n"
      "73 also where another riffle is at work in the folder; 74 also where only what it says "
      "cannot\n"
      "be written: the results are there then.");
  fit.does([a] {
    try {
      return run_fit(*a);
    } catch (const Error&) {
      // Interrupted before there was anything to write.
      if (!stop_requested) throw;
      complain("interrupted\n");
      return interrupted_exit;
    }
  });
}

}  // namespace riffle
