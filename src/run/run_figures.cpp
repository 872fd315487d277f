#include "run/run_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "core/names.h"
#include "diagnostics/parameter_summary.h"
#include "io/csv.h"
#include "io/files.h"
#include "riffle/error.h"
#include "run/run_folder.h"
#include "run/summary.h"
#include "run/summary_json.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// The digest of what the target was made of, from inputs.json.
std::string data_digest_of(const fs::path& folder) {
  const auto path = folder / run_files::inputs;
  if (!is_there(path)) return {};
  try {
    const auto json = nlohmann::json::parse(read_file(path));
    for (const char* key : {"data", "samples"}) {
      if (json.contains(key)) return json.at(key).at("digest").get<std::string>();
    }
  } catch (const nlohmann::json::exception& damage) {
    throw Error(ErrorKind::data, fmt::format("{} does not tell what a run was made of: {}",
                                             path.string(), damage.what()));
  }
  return {};
}

void check_constants(Comparison& all) {
  for (const auto& row : all.rows) {
    if (row.run.posterior()->keeps_constants) continue;
    all.warnings.push_back(
        fmt::format("log Z of {} is known up to an unknown constant: differences to it are no "
                    "Bayes factors",
                    row.run.folder.string()));
  }
}

void check_data(Comparison& all) {
  const auto& digest = all.rows.front().run.data_digest;
  for (const auto& row : all.rows) {
    if (row.run.data_digest == digest) continue;
    all.warnings.push_back(
        fmt::format("{} and {} are fits to different data: {} compare models of the same data",
                    all.rows.front().run.folder.string(), row.run.folder.string(),
                    all.of_evidence ? "Bayes factors" : "log likelihoods"));
    return;
  }
}

}  // namespace

RunFigures read_figures(const fs::path& folder) {
  const auto spec = spec_of_run(folder);
  if (spec.run.method == Method::figure3) {
    throw Error(ErrorKind::usage,
                fmt::format("{} holds a figure of many fits, which figure3.csv there lists",
                            folder.string()));
  }
  const auto path = folder / run_files::summary;
  if (!is_there(path)) {
    throw Error(ErrorKind::usage,
                fmt::format("the run in {0} is not finished: `riffle fit {0} --resume` goes on",
                            folder.string()));
  }
  return {*read_summary(path), folder, data_digest_of(folder)};
}

std::vector<PosteriorParameter> read_parameters(const fs::path& folder) {
  if (auto run = read_figures(folder); run.posterior())
    return std::move(run.fit.posterior->parameters);
  const auto table = read_csv(folder / run_files::draws);
  const auto figures = summarise(table.values, table.header.size());
  std::vector<PosteriorParameter> all;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    if (table.header[i].ends_with("__")) continue;
    const auto& f = figures[i];
    all.push_back({table.header[i], f.mean, f.sd, f.mcse, f.q5, f.q50, f.q95});
  }
  return all;
}

Comparison compare_runs(const std::vector<fs::path>& folders) {
  if (folders.size() < 2) {
    throw Error(ErrorKind::usage, "a comparison takes two runs at least: name their folders");
  }
  Comparison all;
  for (const auto& folder : folders) {
    auto run = read_figures(folder);
    const bool of_evidence = run.posterior().has_value();
    if (!of_evidence && !run.fit.log_likelihood) {
      throw Error(ErrorKind::usage,
                  fmt::format("{} has a bound, but no evidence: fit it with --method staged",
                              folder.string()));
    }
    if (all.rows.empty()) {
      all.of_evidence = of_evidence;
    } else if (of_evidence != all.of_evidence) {
      throw Error(ErrorKind::usage,
                  fmt::format("{} and {} have nothing to be compared by: one is of a posterior, "
                              "the other of points",
                              folders.front().string(), folder.string()));
    }
    const double value = of_evidence ? run.posterior()->log_z : *run.fit.log_likelihood;
    const double error =
        of_evidence ? run.posterior()->log_z_se : run.fit.log_likelihood_se.value_or(unknown);
    if (of_evidence && run.posterior()->verdict == Grade::unreliable) {
      all.warnings.push_back(
          fmt::format("the fit in {} is unreliable, and so is its evidence", folder.string()));
    }
    all.rows.push_back({std::move(run), value, error, 0, 0});
  }
  check_data(all);
  if (all.of_evidence) check_constants(all);
  // What is no number comes last.
  std::ranges::stable_sort(all.rows, [](const auto& a, const auto& b) {
    return a.value > b.value || (std::isnan(b.value) && !std::isnan(a.value));
  });
  const auto& best = all.rows.front();
  for (auto& row : all.rows) {
    if (&row == &best) continue;
    row.difference = row.value - best.value;
    row.difference_se = std::hypot(row.value_se, best.value_se);
  }
  return all;
}

std::string bayes_factor_text(double log_factor) {
  constexpr double largest = 300 * std::numbers::ln10;
  if (std::isnan(log_factor)) return "unknown";
  if (std::abs(log_factor) < largest) return fmt::format("{:.3g}", std::exp(log_factor));
  return fmt::format("10^{:.0f}", log_factor / std::numbers::ln10);
}

}  // namespace riffle
