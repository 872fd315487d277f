#include "figure3/figure3.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>

#include "core/cores.h"
#include "core/executor.h"
#include "figure3/figure3_folder.h"
#include "inference/objective.h"
#include "io/files.h"
#include "riffle/fit.h"
#include "run/run_folder.h"
#include "run/summary.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

/// One start of one cell.
struct Job {
  std::size_t fit;
  std::uint64_t start;
};

/// The longest first, so that no thread is left alone with one at the end.
std::vector<Job> jobs_of(std::span<const Figure3Fit> fits) {
  std::vector<Job> jobs;
  for (std::size_t k = 0; k < fits.size(); ++k) {
    if (fits[k].finished) continue;
    for (std::uint64_t start = 0; start < fits[k].cell.starts; ++start) jobs.push_back({k, start});
  }
  std::stable_sort(jobs.begin(), jobs.end(), [&](const Job& a, const Job& b) {
    // Layers with nets take ten times as long.
    const auto cost = [&](const Job& job) {
      const auto& cell = fits[job.fit].cell;
      return cell.length * (cell.flow.starts_with("nice") ? 10 : 1);
    };
    return cost(a) > cost(b);
  });
  return jobs;
}

Spec spec_of_start(const Spec& spec, const Figure3Cell& cell, std::uint64_t start) {
  Spec own = spec;
  own.target.name = cell.target;
  own.flow.layers = cell.layers;
  own.run.method = Method::flow;
  own.run.threads = 1;
  own.run.iterations *= cell.patience;
  if (auto chosen = choose_objective(own.objective.name); chosen.entry.name == "annealed") {
    chosen.arguments.set(
        "beta_steps", chosen.arguments.number("beta_steps") * static_cast<double>(cell.patience));
    own.objective.name = chosen.arguments.text();
  }
  own.run.seed += start;
  return own;
}

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Whether a start's ELBO means something: it is finite, of all draws, and not above log Z, as that
/// of a flow out of the range of its numbers can be.
bool is_sound(const FitReport& report) {
  return std::isfinite(report.elbo) && std::isfinite(report.elbo_se) && report.invalid_draws == 0 &&
         (!report.kl || *report.kl + 4 * *report.kl_se >= 0);
}

/// Takes one start's outcome into its fit.
void take(const FitReport& report, std::uint64_t seed, bool first, Figure3Fit& fit) {
  const bool sound = is_sound(report);
  const double elbo = sound ? report.elbo : nan;
  fit.seconds += report.seconds;
  fit.diverged += sound ? 0 : 1;
  if (!first && !is_better_start(elbo, seed, fit.elbo, fit.seed)) return;
  fit.seed = seed;
  fit.kl = sound ? report.kl.value_or(nan) : nan;
  fit.kl_se = sound ? report.kl_se.value_or(nan) : nan;
  fit.elbo = elbo;
  fit.injective = report.injective;
  if (sound) fit.flow = report.flow;
}

std::size_t finished_of(std::span<const Figure3Fit> fits) {
  return static_cast<std::size_t>(std::ranges::count(fits, true, &Figure3Fit::finished));
}

/// Makes what is missing of a state, and writes down each step of the way.
Figure3Outcome complete(const Spec& spec, const std::string& spec_text, Figure3State state,
                        const fs::path& folder, const Figure3Callbacks& callbacks) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const double before = state.seconds;
  const auto threads =
      static_cast<std::size_t>(spec.run.threads != 0 ? spec.run.threads : usable_cores());
  const auto note = [&](StopReason stop_reason) {
    state.seconds = before + std::chrono::duration<double>(Clock::now() - begin).count();
    write_file(folder / run_files::summary,
               figure3_summary(spec, spec_text, state, stop_reason, threads));
  };
  auto told = callbacks;
  told.on_fit = [&](const Figure3Fit& fit, std::size_t finished, std::size_t all) {
    if (fit.flow) fit.flow->save(folder / model_file(fit.cell));
    note(StopReason::interrupted);  // as it is, should the process end here
    if (callbacks.on_fit) callbacks.on_fit(fit, finished, all);
  };
  make_figure3_fits(spec, state.fits, threads, told);

  Figure3Outcome outcome;
  outcome.finished = finished_of(state.fits);
  outcome.interrupted = outcome.finished < state.fits.size();
  outcome.warnings = figure3_warnings(state);
  write_file(folder / figure3_table, figure3_csv(state));
  if (spec.run.plots) {
    auto drawn = draw_figure3(state, folder);
    outcome.pictures = std::move(drawn.files);
    outcome.warnings.insert(outcome.warnings.end(), drawn.warnings.begin(), drawn.warnings.end());
  }
  note(outcome.interrupted ? StopReason::interrupted : StopReason::completed);
  return outcome;
}

}  // namespace

bool is_better_start(double elbo, std::uint64_t seed, double other_elbo, std::uint64_t other_seed) {
  const auto rank = [](double x) {
    return std::isnan(x) ? -std::numeric_limits<double>::infinity() : x;
  };
  if (rank(elbo) != rank(other_elbo)) return rank(elbo) > rank(other_elbo);
  return seed < other_seed;
}

void make_figure3_fits(const Spec& spec, std::span<Figure3Fit> fits, std::size_t threads,
                       const Figure3Callbacks& callbacks) {
  const auto jobs = jobs_of(fits);
  std::vector<std::uint64_t> done(fits.size(), 0);
  std::mutex lock;
  const auto stopped = [&] {
    return callbacks.stop != nullptr && callbacks.stop->load(std::memory_order_relaxed);
  };
  Executor executor(threads);
  executor.run(jobs.size(), [&](std::size_t k, std::size_t) {
    if (stopped()) return;
    const auto& job = jobs[k];
    auto& own = fits[job.fit];
    const auto start = spec_of_start(spec, own.cell, job.start);
    FitCallbacks told;
    told.stop = callbacks.stop;
    const auto report = fit(start, told);
    if (report.stop_reason == StopReason::interrupted) return;
    const std::lock_guard guard(lock);
    take(report, start.run.seed, done[job.fit] == 0, own);
    if (++done[job.fit] < own.cell.starts) return;
    own.finished = true;
    if (callbacks.on_fit) callbacks.on_fit(own, finished_of(fits), fits.size());
  });
}

Figure3Outcome fit_figure3(const Spec& spec, const fs::path& folder,
                           const Figure3Callbacks& callbacks) {
  spec.validate();
  const auto lock = claim_folder(folder, spec.run.force, folder);
  std::error_code error;
  for (const auto& name : figure3_files()) fs::remove(folder / name, error);
  const auto text = to_toml(spec);
  write_file(folder / run_files::spec, text);
  return complete(spec, text, read_figure3(folder), folder, callbacks);
}

Figure3Outcome resume_figure3(const fs::path& folder, const std::function<void(Spec&)>& change,
                              const Figure3Callbacks& callbacks) {
  auto spec = spec_of_run(folder);
  const FolderLock lock(folder, FolderLock::Kind::sole, folder);
  const auto reason = read_stop_reason(folder / run_files::summary);
  if (reason && *reason != StopReason::interrupted) throw nothing_to_resume(folder);
  if (change) change(spec);
  spec.validate();
  remove_temporaries(folder);
  return complete(spec, read_file(folder / run_files::spec), read_figure3(folder), folder,
                  callbacks);
}

}  // namespace riffle
