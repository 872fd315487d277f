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
#include "targets/formula/formula.h"
#include "targets/target_registry.h"

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
  std::string what;
  CommandOption what_option;
  std::string samples;
  std::string stan;
  std::string plugin;
  std::string density;
  std::string log_density;
  std::string coordinates;
  std::string data;
  std::string init;
  std::string out;
  bool force = false;
  bool resume = false;
  bool no_plots = false;
  bool quiet = false;
  bool strict = false;
  std::vector<std::string> set;
  /// Options that are another spelling of a key.
  struct Shorthand {
    const char* name;
    const char* key;
    const char* help;
    std::string value;
    CommandOption option{};
  };
  /// The file that takes the place of WHAT; empty where there is none.
  const std::string& file() const {
    return !samples.empty() ? samples : !stan.empty() ? stan : plugin;
  }
  CommandOption density_option;
  CommandOption log_density_option;
  bool has_formula() const { return density_option.given() || log_density_option.given(); }
  std::vector<Shorthand> shorthands{
      {"--columns", "target.columns", "a,b,c: the columns of --samples that are fitted", {}},
      {"--seed", "run.seed", "seed of all random numbers [1]", {}},
      {"--threads", "run.threads", "0: one for each core, as far as the batch has work", {}},
      {"--precision", "run.precision", "float or double", {}},
      {"--flow", "flow.layers", "NAME:COUNT, several joined by '+'; see `riffle list flows`", {}},
      {"--iterations", "run.iterations", "optimizer steps", {}},
      {"--batch", "run.batch", "draws in each step", {}},
      {"--lr", "optimizer.learning_rate", "initial learning rate", {}},
      {"--objective",
       "objective.name",
       "NAME or NAME(KEY=VALUE, ...); see `riffle list objectives`",
       {}},
      {"--optimizer", "optimizer.name", "the same, of `riffle list optimizers`", {}},
      {"--schedule", "schedule.name", "the same, of `riffle list schedules`", {}},
      {"--method", "run.method", "staged: finds out what a posterior needs; flow: as told", {}},
      {"--max-seconds", "run.max_seconds", "staged: end within this time, with what there is", {}},
      {"--max-gradients", "run.max_gradients", "staged: and within this many evaluations", {}},
      {"--fits", "run.fits", "staged: independent fits to compare, the best is kept [1]", {}},
      {"--output-format", "run.output_format", "of a posterior's draws: plain or cmdstan", {}},
      {"--resample", "run.resample", "psis: draws resampled by their importance weights", {}},
  };
};

/// The figure's targets and flows are its own.
void refuse_with_figure3(const FitArguments& a) {
  const auto refuse = [](std::string_view what) {
    throw Error(
        ErrorKind::usage,
        fmt::format("figure3 has targets and flows of its own: {} does not go with it", what));
  };
  for (const auto& s : a.shorthands) {
    const std::string_view key(s.key);
    if (s.option.given() && (key == "flow.layers" || key == "run.method")) refuse(s.name);
  }
  for (const auto& assignment : a.set) {
    const auto key = assignment.substr(0, assignment.find('='));
    const auto section = key.substr(0, key.find('.'));
    if (section == "target" || section == "flow" || key == "run.method") {
      refuse("--set " + key);
    }
  }
  if (!a.file().empty()) refuse("--samples, --stan or --plugin");
  if (a.has_formula()) refuse("--density or --log-density");
  if (!a.data.empty()) refuse("--data");
  if (!a.init.empty()) refuse("--init");
}

/// A formula takes the place of a recipe's or a spec file's target.
void apply_formula(const FitArguments& a, Spec& spec) {
  const bool is_log = a.log_density_option.given();
  if (is_log && a.density_option.given()) {
    throw Error(ErrorKind::usage, "--density and --log-density do not go together: one is enough");
  }
  const auto floor = spec.target.log_floor;
  spec.target = {};
  spec.target.log_floor = floor;
  (is_log ? spec.target.log_density : spec.target.density) = is_log ? a.log_density : a.density;
  // What is wrong with it is said in terms of the option, also where it is empty.
  parse_formula(
      is_log ? a.log_density : a.density, is_log ? FormulaKind::log_density : FormulaKind::density,
      parse_coordinates(a.coordinates, "--coordinates"), is_log ? "--log-density" : "--density");
}

void apply(const FitArguments& a, Spec& spec) {
  if (spec.run.method == Method::figure3) refuse_with_figure3(a);
  if (!a.samples.empty()) {
    spec.target.samples = a.samples;
    // Another one that is asked for is refused.
    constexpr std::string_view likelihood = "maximum-likelihood";
    if (name_in(spec.objective.name) != likelihood) spec.objective.name = likelihood;
  }
  for (const auto& s : a.shorthands) {
    if (!s.option.given()) continue;
    try {
      set_key(spec, s.key, s.value);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("{} {}: {}", s.name, s.value, error.what()));
    }
  }
  if (a.has_formula()) apply_formula(a, spec);
  if (!a.coordinates.empty()) spec.target.coordinates = a.coordinates;
  if (!a.stan.empty()) spec.target.stan = a.stan;
  if (!a.plugin.empty()) spec.target.plugin = a.plugin;
  if (!a.data.empty()) spec.target.data = a.data;
  if (!a.init.empty()) spec.target.init = a.init;
  // The target's name decides which other keys it has, so it goes first.
  for (const bool names : {true, false}) {
    for (const auto& assignment : a.set) {
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
  const auto given = [&](std::string_view key) {
    return std::any_of(a.shorthands.begin(), a.shorthands.end(),
                       [&](const auto& s) { return s.option.given() && s.key == key; });
  };
  const bool method_set = given("run.method") ||
                          std::any_of(a.set.begin(), a.set.end(),
                                      [](const auto& s) { return s.starts_with("run.method="); });
  if (!method_set && spec.run.method == Method::staged &&
      (given("flow.layers") || given("objective.name") || given("optimizer.name") ||
       given("schedule.name") || given("run.iterations") || given("run.batch") ||
       given("optimizer.learning_rate"))) {
    spec.run.method = Method::flow;
  }
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

/// What names the run's folder.
std::string what_of(const FitArguments& a, bool named) {
  if (!a.has_formula()) return named ? a.what : a.file();
  return named ? std::filesystem::path(a.what).stem().string() + "-density" : "density";
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

/// A target that is named is fitted, or a file is: a spec file alone goes with both, for its flow
/// and the other settings.
void refuse_two_targets(const FitArguments& a) {
  if (a.has_formula()) {
    const auto* option = a.log_density_option.given() ? "--log-density" : "--density";
    if (!a.file().empty()) {
      throw Error(
          ErrorKind::usage,
          fmt::format("{} and {} do not go together: a run has one target", option, a.file()));
    }
    const auto targets = target_registry();
    if (std::any_of(targets.begin(), targets.end(),
                    [&](const auto& entry) { return entry.name == a.what; })) {
      throw Error(
          ErrorKind::usage,
          fmt::format("{0} and {1} do not go together: a run has one target; leave {1} out, "
                      "or name a recipe or a spec file for its settings",
                      option, a.what));
    }
    return;
  }
  std::error_code error;
  const auto status = std::filesystem::status(a.what, error);
  if (a.file().empty() ||
      (std::filesystem::exists(status) && !std::filesystem::is_directory(status))) {
    return;
  }
  const auto* option = !a.samples.empty() ? "--samples" : !a.stan.empty() ? "--stan" : "--plugin";
  throw Error(ErrorKind::usage,
              fmt::format("{0} {1} and {2} do not go together: a run has one target; leave {2} "
                          "out, and set flow, optimizer and more by --flow, --set or a spec file",
                          option, a.file(), a.what));
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
    if (!a.set.empty() || !a.out.empty() || !a.file().empty() || !a.data.empty() ||
        a.has_formula() || !a.coordinates.empty() || !a.init.empty()) {
      throw Error(
          ErrorKind::usage,
          "a run is resumed as it was: --set, --out, --density, --log-density, --coordinates, "
          "--samples, --stan, --plugin, --data and --init do not go with it");
    }
    if (a.what.empty()) {
      throw Error(ErrorKind::usage,
                  "WHAT is missing: `riffle fit DIR --resume` goes on with the run in DIR");
    }
    for (const auto& s : a.shorthands) {
      if (s.option.given() && std::string(s.key) != "run.threads") {
        throw Error(ErrorKind::usage,
                    fmt::format("a run is resumed as it was: {} does not go with it", s.name));
      }
    }
    if (is_figure3(a.what)) {
      return run_resume_figure3(
          a.what, [&](Spec& spec) { apply(a, spec); }, stop_requested);
    }
    Progress progress(a.quiet);
    outcome = resume_in_folder(
        a.what,
        [&](Spec& spec) {
          apply(a, spec);
          shown = spec;
          compile_target(spec, &stop_requested);  // before its time begins
          watch(spec, a.what);
        },
        make_callbacks(progress, a.quiet), [&] { progress.step("drawing pictures"); });
    progress.finish();
  } else {
    const bool named = a.what_option.given();
    if (!named && a.file().empty() && !a.has_formula()) {
      throw Error(ErrorKind::usage,
                  "WHAT is missing: a spec file, a recipe or a target; or --density FORMULA, "
                  "--samples FILE, --stan FILE or --plugin FILE");
    }
    const auto fitted = !a.samples.empty()  ? Fitted::samples
                        : !a.file().empty() ? Fitted::library
                                            : Fitted::as_told;
    Spec spec = named                       ? find_spec(a.what, fitted)
                : fitted == Fitted::samples ? samples_spec()
                                            : posterior_spec();
    if (named || a.has_formula()) refuse_two_targets(a);
    apply(a, spec);
    spec.validate();
    const std::filesystem::path folder = spec.run.out.empty()
                                             ? default_folder(what_of(a, named), spec)
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
  a->what_option = fit.option(
      "WHAT", a->what,
      "a spec file (TOML), a recipe or a built-in target; with --resume, a run's folder");
  a->density_option =
      fit.option("--density", a->density,
                 "fit a density given as a formula, such as 'exp(-x^2/2 - (y-x^2)^2)'");
  a->log_density_option =
      fit.option("--log-density", a->log_density, "the same where the formula is that of ln p");
  fit.option("--coordinates", a->coordinates,
             "names of the formula's coordinates, x,y [its free names as they appear]");
  fit.option("--samples", a->samples,
             "learn the density of the points in a file, CSV or .npy; WHAT may be a spec file");
  fit.option("--stan", a->stan,
             "fit a Stan model: MODEL.stan, or its library by tools/stan_model.sh or BridgeStan");
  fit.option("--plugin", a->plugin, "fit the target in a library (riffle/plugin.h)");
  fit.option("--data", a->data, "data of the Stan model or plug-in: FILE.json, or JSON");
  fit.option("--init", a->init,
             "staged: starts, as a FILE.json of parameters' values, or RADIUS: (-R, R)^D [2]");
  fit.option("--out", a->out, "folder of the run [runs/WHAT-SEED]");
  fit.flag("--force", a->force, "replace the run that is in the folder");
  fit.flag("--resume", a->resume,
           "go on with the run in the folder WHAT, to the same bits as if it had not stopped");
  for (auto& s : a->shorthands) {
    s.option = fit.option(s.name, s.value, s.help);
  }
  fit.option("--set", a->set, "SECTION.KEY=VALUE: any key of the spec; may be repeated")
      .one_at_a_time();
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
