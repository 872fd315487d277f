#include "figure3/figure3_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/instruction_set.h"
#include "figure3/figure3_plots.h"
#include "io/digest.h"
#include "io/files.h"
#include "io/folder_lock.h"
#include "pictures/grids.h"
#include "riffle/error.h"
#include "riffle/version.h"
#include "run/plot_folder.h"
#include "run/run_folder.h"
#include "run/summary_json.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

/// In the order in which they first appear.
std::vector<std::string> targets_of(const Figure3State& state) {
  std::vector<std::string> all;
  for (const auto& fit : state.fits) {
    if (std::ranges::find(all, fit.cell.target) == all.end()) all.push_back(fit.cell.target);
  }
  return all;
}

nlohmann::ordered_json json_of(const Figure3Fit& fit) {
  return {{"target", fit.cell.target},
          {"flow", fit.cell.flow},
          {"K", fit.cell.length},
          {"layers", fit.cell.layers},
          {"starts", fit.cell.starts},
          {"diverged", fit.diverged},
          {"seed", fit.seed},
          {"kl", number(fit.kl)},
          {"kl_se", number(fit.kl_se)},
          {"elbo", number(fit.elbo)},
          {"injective", fit.injective},
          {"seconds", number(fit.seconds)},
          {"model", fit.flow ? nlohmann::ordered_json(model_file(fit.cell)) : nullptr}};
}

/// Takes over what is known of a fit, if its model is there.
void take(const nlohmann::ordered_json& json, const fs::path& folder, Figure3Fit& fit) {
  if (!json.at("model").is_null()) {
    const auto path = folder / model_file(fit.cell);
    std::error_code error;
    if (!fs::exists(path, error)) return;
    fit.flow = TrainedFlow::load(path);
  }
  fit.diverged = json.at("diverged").get<std::uint64_t>();
  fit.seed = json.at("seed").get<std::uint64_t>();
  fit.kl = number_of(json.at("kl"));
  fit.kl_se = number_of(json.at("kl_se"));
  fit.elbo = number_of(json.at("elbo"));
  fit.injective = json.at("injective").get<bool>();
  fit.seconds = number_of(json.at("seconds"));
  fit.finished = true;
}

}  // namespace

std::vector<std::string> figure3_warnings(const Figure3State& state) {
  std::string cells;
  for (const auto& fit : state.fits) {
    if (!fit.finished || fit.flow) continue;
    cells += fmt::format("{}{} {} K = {}", cells.empty() ? "" : ", ", fit.cell.target,
                         fit.cell.flow, fit.cell.length);
  }
  if (cells.empty()) return {};
  return {
      fmt::format("every start diverged of {}: there is no model of it; try a lower learning "
                  "rate or optimizer.clip_norm",
                  cells)};
}

std::string figure3_summary(const Spec& spec, std::string_view spec_text, const Figure3State& state,
                            StopReason stop_reason, std::uint64_t threads) {
  nlohmann::ordered_json summary;
  summary["method"] = name_of(spec.run.method);
  summary["targets"] = targets_of(state);
  summary["base"] = spec.base.name;
  summary["objective"] = spec.objective.name;
  summary["iterations"] = spec.run.iterations;
  summary["batch"] = spec.run.batch;
  summary["seed"] = spec.run.seed;
  summary["threads"] = threads;
  summary["precision"] = name_of(spec.run.precision);
  summary["simd"] = InstructionSet::parse(spec.run.simd).name();
  summary["version"] = version();
  summary["spec_digest"] = digest_of(spec_text);
  summary["stop_reason"] = name_of(stop_reason);
  summary["seconds"] = number(state.seconds);
  summary["evaluation_draws"] = spec.run.evaluation_draws;
  summary["cells"] = state.fits.size();
  auto fits = nlohmann::ordered_json::array();
  for (const auto& fit : state.fits) {
    if (fit.finished) fits.push_back(json_of(fit));
  }
  summary["fits"] = std::move(fits);
  summary["warnings"] = figure3_warnings(state);
  return text_of(summary);
}

std::string figure3_csv(const Figure3State& state) {
  std::string text = "target,flow,K,kl,kl_se,elbo,starts,seed,seconds,injective,layers\n";
  for (const auto& fit : state.fits) {
    if (!fit.finished) continue;
    text += fmt::format("{},{},{},{},{},{},{},{},{:.3f},{},\"{}\"\n", fit.cell.target,
                        fit.cell.flow, fit.cell.length, fit.kl, fit.kl_se, fit.elbo,
                        fit.cell.starts, fit.seed, fit.seconds, fit.injective, fit.cell.layers);
  }
  return text;
}

Figure3State read_figure3(const fs::path& folder) {
  Figure3State state;
  for (auto& cell : figure3_cells()) state.fits.push_back({.cell = std::move(cell)});
  const auto path = folder / run_files::summary;
  std::error_code error;
  if (!fs::exists(path, error)) return state;
  try {
    const auto json = nlohmann::ordered_json::parse(read_file(path));
    if (json.at("spec_digest").get<std::string>() !=
        digest_of(read_file(folder / run_files::spec))) {
      throw Error(ErrorKind::data,
                  fmt::format("{} is not what it was when the fits in {} were made",
                              (folder / run_files::spec).string(), path.string()));
    }
    state.seconds = number_of(json.at("seconds"));
    for (const auto& fit : json.at("fits")) {
      const auto same = [&](const Figure3Fit& own) {
        return own.cell.target == fit.at("target").get<std::string>() &&
               own.cell.flow == fit.at("flow").get<std::string>() &&
               own.cell.length == fit.at("K").get<std::size_t>() &&
               own.cell.layers == fit.at("layers").get<std::string>() &&
               own.cell.starts == fit.at("starts").get<std::uint64_t>();
      };
      const auto own = std::ranges::find_if(state.fits, same);
      if (own != state.fits.end()) take(fit, folder, *own);
    }
  } catch (const nlohmann::json::exception& damage) {
    throw not_a_summary(path, damage);
  }
  return state;
}

PlotReport draw_figure3(const Figure3State& state, const fs::path& folder) {
  constexpr std::size_t cells = 100;
  Figure3Plots plots;
  for (const auto& fit : state.fits) {
    if (!fit.finished || !fit.flow) continue;
    plots.cells.push_back({fit.cell.target, fit.cell.flow, fit.cell.length, fit.kl,
                           learned_grid(*fit.flow, Frame::square(plots.limit), cells)});
  }
  for (const auto& target : targets_of(state)) {
    plots.targets.push_back({target, built_in_grid(target, Frame::square(plots.limit), cells)});
  }
  return write_figure3(plots, folder);
}

void remove_figure3(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder / figure3_table, error)) return;
  const FolderLock lock(folder, FolderLock::Kind::sole, folder);
  for (const auto& name : figure3_files()) fs::remove(folder / name, error);
}

PlotReport plot_figure3(const fs::path& folder, const std::vector<std::string>& parameters) {
  spec_of_run(folder).validate();
  const FolderLock lock(folder, FolderLock::Kind::shared, folder);
  refuse_parameters(folder, parameters);
  const auto state = read_figure3(folder);
  if (std::ranges::none_of(state.fits, &Figure3Fit::finished)) {
    throw Error(ErrorKind::usage,
                fmt::format("no fit of the figure in {0} is finished: `riffle fit {0} --resume` "
                            "goes on",
                            folder.string()));
  }
  return draw_figure3(state, folder);
}

}  // namespace riffle
