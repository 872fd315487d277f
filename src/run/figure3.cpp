#include "run/figure3.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <string_view>

#include "core/cores.h"
#include "core/executor.h"
#include "io/csv.h"
#include "io/figure3_plots.h"
#include "io/files.h"
#include "run/grids.h"
#include "run/run_folder.h"

namespace riffle {
namespace {

constexpr std::array<std::string_view, 4> targets{"U1", "U2", "U3", "U4"};
constexpr std::array<std::size_t, 3> lengths{2, 8, 32};

struct Kind {
  std::string_view name;
  std::string_view layer;
};

// NICE mixes the coordinates between its coupling layers by a permutation or by an orthogonal map.
constexpr std::array<Kind, 4> kinds{{
    {"planar", "planar"},
    {"radial", "radial"},
    {"nice-permutation", "compose(additive-coupling(hidden=16x16) + permutation)"},
    {"nice-orthogonal", "compose(additive-coupling(hidden=16x16) + householder)"},
}};

/// Flows without nets cost little: they get more iterations and more starts, and most of all the
/// short ones, which have the worse local optima.
bool is_cheap(std::string_view flow) {
  return !flow.starts_with("nice");
}
constexpr std::uint64_t cheap_iterations = 3;  // times those of the spec

std::uint64_t starts_for(const Kind& kind, std::size_t length) {
  const bool cheap = is_cheap(kind.name);
  if (length <= 2) return cheap ? 24 : 4;
  if (length <= 8) return cheap ? 16 : 2;
  return cheap ? 4 : 1;
}

std::vector<Figure3Cell> all_cells() {
  std::vector<Figure3Cell> cells;
  for (const auto target : targets) {
    for (const auto& kind : kinds) {
      for (const auto length : lengths) {
        Figure3Cell cell;
        cell.target = target;
        cell.flow = kind.name;
        cell.length = length;
        cell.layers = fmt::format("{}:{}", kind.layer, length);
        cell.starts = starts_for(kind, length);
        cells.push_back(std::move(cell));
      }
    }
  }
  return cells;
}

/// One start of one cell.
struct Job {
  std::size_t cell;
  std::uint64_t start;
};

/// The longest first, so that no thread is left alone with one at the end.
std::vector<Job> jobs_of(const std::vector<Figure3Cell>& cells) {
  std::vector<Job> jobs;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    for (std::uint64_t start = 0; start < cells[cell].starts; ++start)
      jobs.push_back({cell, start});
  }
  std::stable_sort(jobs.begin(), jobs.end(), [&](const Job& a, const Job& b) {
    const auto cost = [&](const Job& job) {
      return cells[job.cell].length * (is_cheap(cells[job.cell].flow) ? 1 : 10);
    };
    return cost(a) > cost(b);
  });
  return jobs;
}

std::string csv_of(const std::vector<Figure3Cell>& cells) {
  std::string text = "target,flow,K,kl,kl_se,elbo,starts,seed,seconds,injective,layers\n";
  for (const auto& c : cells) {
    text += fmt::format("{},{},{},{},{},{},{},{},{:.3f},{},\"{}\"\n", c.target, c.flow, c.length,
                        c.kl, c.kl_se, c.elbo, c.starts, c.seed, c.seconds, c.injective, c.layers);
  }
  return text;
}

}  // namespace

Figure3Outcome fit_figure3(const Spec& spec, const std::filesystem::path& folder,
                           const Figure3Callbacks& callbacks) {
  spec.validate();
  claim_folder(folder, spec.run.force);
  auto cells = all_cells();
  const auto jobs = jobs_of(cells);
  std::vector<std::optional<FitReport>> best(cells.size());
  std::vector<std::uint64_t> finished(cells.size(), 0);
  std::mutex lock;
  const auto stopped = [&] {
    return callbacks.stop != nullptr && callbacks.stop->load(std::memory_order_relaxed);
  };
  const auto keep = [&](const Job& job, std::uint64_t seed, FitReport report) {
    const std::lock_guard guard(lock);
    auto& cell = cells[job.cell];
    cell.seconds += report.seconds;
    auto& kept = best[job.cell];
    // Of equals the earlier start, whichever was done first.
    if (!kept || report.elbo > kept->elbo || (report.elbo == kept->elbo && seed < cell.seed)) {
      cell.seed = seed;
      cell.kl = report.kl.value_or(0);
      cell.kl_se = report.kl_se.value_or(0);
      cell.elbo = report.elbo;
      cell.injective = report.injective;
      kept = std::move(report);
    }
    if (++finished[job.cell] == cell.starts && callbacks.on_cell) callbacks.on_cell(cell);
  };
  const auto threads = spec.run.threads != 0 ? spec.run.threads : usable_cores();
  Executor executor(static_cast<std::size_t>(threads));
  executor.run(jobs.size(), [&](std::size_t k, std::size_t) {
    if (stopped()) return;
    const auto& cell = cells[jobs[k].cell];
    Spec own = spec;
    own.target.name = cell.target;
    own.flow.layers = cell.layers;
    own.run.threads = 1;
    if (is_cheap(cell.flow)) {
      own.run.iterations *= cheap_iterations;
      own.objective.beta_steps *= static_cast<double>(cheap_iterations);
    }
    own.run.seed = spec.run.seed + jobs[k].start;
    FitCallbacks told;
    told.stop = callbacks.stop;
    auto report = fit(own, told);
    if (report.stop_reason != "interrupted") keep(jobs[k], own.run.seed, std::move(report));
  });

  Figure3Outcome outcome;
  outcome.interrupted = stopped();
  Figure3Plots plots;
  for (std::size_t k = 0; k < cells.size(); ++k) {
    if (!best[k] || finished[k] < cells[k].starts) continue;
    const auto& cell = cells[k];
    outcome.cells.push_back(cell);
    best[k]->flow.save(folder /
                       fmt::format("{}-{}-{}.riffle", cell.target, cell.flow, cell.length));
    if (spec.run.plots) {
      plots.cells.push_back(
          {cell.target, cell.flow, cell.length, cell.kl, learned_grid(best[k]->flow, 4, 100)});
    }
  }
  write_file(folder / "figure3.csv", csv_of(outcome.cells));
  write_file(folder / run_files::spec, to_toml(spec));
  if (spec.run.plots) {
    for (const auto target : targets) {
      plots.targets.push_back({std::string(target), built_in_grid(target, 4, 100)});
    }
    auto drawn = write_figure3(plots, folder);
    outcome.pictures = std::move(drawn.files);
    outcome.warnings = std::move(drawn.warnings);
  }
  return outcome;
}

}  // namespace riffle
