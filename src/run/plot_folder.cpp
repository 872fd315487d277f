#include "run/plot_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "diagnostics/importance.h"
#include "io/cmdstan.h"
#include "io/csv.h"
#include "io/files.h"
#include "io/folder_lock.h"
#include "pictures/pictures.h"
#include "riffle/error.h"
#include "run/run_folder.h"
#include "run/summary.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// The first column of a row, which counts iterations.
std::uint64_t iteration_at(const CsvTable& table, std::size_t row, const fs::path& path,
                           double least) {
  constexpr double most = 1e15;
  const double value = table.at(row, 0);
  if (!(value >= least && value <= most && std::floor(value) == value)) {
    throw Error(ErrorKind::data,
                fmt::format("{}:{}: {} is not an iteration", path.string(), row + 2, value));
  }
  return static_cast<std::uint64_t>(value);
}

struct Losses {
  std::uint64_t every = 1;
  std::vector<double> losses;
  std::vector<HeldOutLoss> held_out;
};

/// Of the third column, where there is one, most cells are empty: it is read by itself.
Losses read_losses(const fs::path& path) {
  const auto text = read_file(path);
  std::string trained;
  std::string held_out;
  for (std::string_view rest = text; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto first = line.find(',');
    const auto second = first == line.npos ? line.npos : line.find(',', first + 1);
    trained += fmt::format("{}\n", line.substr(0, second));
    if (second != line.npos && second + 1 < line.size()) {
      held_out += fmt::format("{}{}\n", line.substr(0, first), line.substr(second));
    }
  }
  Losses all;
  const auto table = parse_csv(trained, path.string(), CsvNames::required);
  if (table.header.size() != 2) {
    throw Error(ErrorKind::data, fmt::format("{} must have 2 or 3 columns", path.string()));
  }
  for (std::size_t row = 0; row < table.rows(); ++row) all.losses.push_back(table.at(row, 1));
  if (table.rows() > 0) all.every = iteration_at(table, 0, path, 1);
  const auto checks = parse_csv(held_out, path.string(), CsvNames::required);
  for (std::size_t row = 0; row < checks.rows(); ++row) {
    all.held_out.push_back({iteration_at(checks, row, path, 1), checks.at(row, 1)});
  }
  return all;
}

std::vector<Snapshot> read_samples(const fs::path& path) {
  std::vector<Snapshot> snapshots;
  if (!is_there(path)) return snapshots;
  const auto table = read_csv(path);
  if (table.header.size() != 3) {
    throw Error(ErrorKind::data, fmt::format("{} must have 3 columns", path.string()));
  }
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto iteration = iteration_at(table, row, path, 0);
    if (snapshots.empty() || snapshots.back().iteration != iteration) {
      snapshots.push_back({iteration, {}, {}});
    }
    snapshots.back().x.push_back(table.at(row, 1));
    snapshots.back().y.push_back(table.at(row, 2));
  }
  return snapshots;
}

/// The report of a posterior as it was, from its summary and its draws; nothing of other runs.
std::optional<FitFigures> read_report(const Spec& spec, const fs::path& folder) {
  const auto summary = folder / run_files::summary;
  auto run = read_summary(summary);
  if (!run && spec.run.method == Method::staged) {
    throw Error(ErrorKind::usage,
                fmt::format("the run in {0} is not finished: `riffle fit {0} --resume` goes on",
                            folder.string()));
  }
  if (!run || !run->fit.posterior) return std::nullopt;
  const auto path = folder / run_files::draws;
  const auto again = fmt::format("`riffle sample {} -n {} --seed {} -o {}` makes them again",
                                 folder.string(), spec.run.draws, spec.run.seed, path.string());
  if (!is_there(path)) {
    throw Error(ErrorKind::no_input,
                fmt::format("{} is gone, and the page of a posterior shows its draws; {}",
                            path.string(), again));
  }
  auto& posterior = *run->fit.posterior;
  auto draws = read_draws(path);
  std::vector<std::string> names;
  for (const auto& parameter : posterior.parameters) names.push_back(parameter.name);
  if (draws.names != names) {
    throw Error(ErrorKind::data, fmt::format("{} has other parameters than {}; {}", path.string(),
                                             run_files::summary, again));
  }
  posterior.values = std::move(draws.values);
  if (posterior.draws_by == DrawsBy::sampler) {
    posterior.log_weights.assign(draws.log_p.size(), 0.0);
  } else {
    posterior.log_weights = log_weights(draws.log_p, draws.log_q);
  }
  return std::move(run->fit);
}

}  // namespace

void refuse_parameters(const fs::path& folder, const std::vector<std::string>& parameters) {
  if (parameters.empty()) return;
  throw Error(ErrorKind::usage,
              fmt::format("the run in {} is of no posterior, so there is no page to show {} on",
                          folder.string(), parameters.front()));
}

PlotReport plot_folder(const fs::path& folder, const std::vector<std::string>& parameters) {
  const auto spec = spec_of_run(folder);
  spec.validate();
  const FolderLock lock(folder, FolderLock::Kind::shared, folder);
  const auto flow = TrainedFlow::load(folder / run_files::model);
  const auto record = read_report(spec, folder);
  if (!record) refuse_parameters(folder, parameters);
  const auto loss = read_losses(folder / run_files::loss);
  const auto snapshots = read_samples(folder / run_files::samples);
  return draw_pictures(
      {spec, flow, snapshots, loss.every, loss.losses, record ? record->target : spec.target.name,
       record ? &*record->posterior : nullptr, loss.held_out, parameters},
      fs::absolute(folder));  // whatever working folder the target leaves
}

}  // namespace riffle
