#include "pictures/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/names.h"
#include "fit/external_target.h"
#include "fit/target_options.h"
#include "fit/training.h"
#include "flows/interface/flow_registry.h"
#include "io/points.h"
#include "pictures/grids.h"
#include "pictures/layer_mesh.h"
#include "pictures/posterior_pictures.h"
#include "riffle/error.h"
#include "targets/target_registry.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

constexpr std::size_t cells = 220;  // of a density picture, each way: two pixels each
constexpr std::uint64_t histogram_draws = 2'000'000;

/// The first iteration whose objective has all of ln p; that after the last where none has.
std::uint64_t annealed_from(const Spec& spec) {
  const auto options = trainer_options(spec);
  const auto has_all = [&](std::uint64_t iteration) {
    return options.objective(iteration).beta >= 1;
  };
  std::uint64_t first = 0;
  for (auto end = spec.run.iterations; first < end;) {
    const auto middle = first + (end - first) / 2;
    if (has_all(middle)) {
      end = middle;
    } else {
      first = middle + 1;
    }
  }
  return first;
}

/// Draws of the flow, for axes that hold them.
std::vector<double> some_draws(const TrainedFlow& flow) {
  constexpr std::uint64_t draws = 10'000;
  return flow.sample(draws).z;
}

/// What holds the draws, coordinate by coordinate; empty where none is finite.
std::vector<Range> ranges_of(std::span<const double> rows, std::size_t dim) {
  std::vector<Range> ranges;
  for (std::size_t d = 0; d < dim; ++d) {
    if (const auto range = range_of(rows, dim, d)) ranges.push_back(*range);
  }
  if (ranges.size() < dim) ranges.clear();
  return ranges;
}

/// A flow gone astray must not make what it was to learn a dot.
Range kept_near(const Range& wide, const Range& what) {
  constexpr double most = 4;
  const double room = most * what.length();
  return {std::max(wide.low, what.low - room), std::min(wide.high, what.high + room)};
}

/// Both in sight: of the flow's draws and of what was to be learned.
std::vector<Range> framed(const std::vector<Range>& draws, const std::vector<Range>& target) {
  if (draws.empty()) return target;
  auto ranges = target;
  for (std::size_t d = 0; d < ranges.size(); ++d) {
    ranges[d] = united(target[d], kept_near(draws[d], target[d]));
  }
  return ranges;
}

void set_frame(PlotData& data, const std::vector<Range>& r) {
  if (r.size() == 2) data.frame = {r[0].low, r[0].high, r[1].low, r[1].high};
}

constexpr std::size_t line_cells = 800;
constexpr std::size_t line_bars = 60;

/// The density of a target of one or two dimensions, on axes that hold it and the flow's draws.
void add_density(PlotData& data, const Density<double>& target, std::optional<double> log_z,
                 const std::vector<Range>& ranges) {
  if (ranges.size() == 2) {
    set_frame(data, ranges);
    data.target_density = target_grid(target, log_z, data.frame, cells);
  } else if (ranges.size() == 1) {
    data.lines = DensityLines{ranges[0].low, ranges[0].high, {}, {}, {}, {}};
    data.lines->target = target_line(target, log_z, ranges[0], line_cells);
  }
}

/// What is known of a built-in target: its density, and the value of a perfect fit.
void add_target(PlotData& data, const Spec& spec, const std::vector<Range>& draws) {
  const auto& entry = find_by_name(target_registry(), spec.target.name, "target");
  const auto options = target_options(entry, spec, InstructionSet::best());
  const auto log_z = entry.log_z(options);
  // While ln p comes in, a perfect fit of what there is of it has another value at each iteration.
  if (log_z) {
    data.best_loss_from = static_cast<double>(annealed_from(spec));
    // E[ln q0] of the standard normal is -D/2 (1 + ln 2π); the bound leaves it out.
    const bool leaves_out = choose_objective(spec.objective.name).entry.constant_entropy;
    const double entropy =
        0.5 * static_cast<double>(options.dim) * (1 + std::log(2 * std::numbers::pi));
    data.best_loss = -*log_z + (leaves_out ? entropy : 0);
  }
  if (options.dim > 2) return;
  const auto target = entry.make<double>(options);
  if (target->dim() == 2) {
    const std::vector<Range> own(2, Range{-entry.reach, entry.reach});
    add_density(data, *target, log_z, framed(draws, own));
  } else if (!draws.empty()) {
    add_density(data, *target, log_z, framed(draws, mass_ranges(*target, draws)));
  }
}

/// Names of a target's coordinates: those of its parameters, where these are its coordinates.
std::vector<std::string> names_of(const Target& target) {
  auto names = target.parameter_names();
  const std::size_t dim = target.dim();
  if (target.parameter_count() != dim) return {};
  names.resize(dim);
  for (const double at : {-0.7, 0.4}) {
    std::vector<double> z(dim, at);
    std::vector<double> theta(target.parameter_names().size());
    target.constrain(z, theta);
    for (std::size_t d = 0; d < dim; ++d) {
      if (theta[d] != z[d] && !names[d].ends_with(')')) names[d] += " (unconstrained)";
    }
  }
  return names;
}

/// The same of a target from a library, or of a formula. Returns what there is to warn of: without
/// the library, the rest can still be drawn.
std::vector<std::string> add_external_target(PlotData& data, const Spec& spec,
                                             const std::vector<Range>& draws) {
  if (draws.empty() || draws.size() > 2) return {};
  set_frame(data, draws);
  try {
    const auto target = has_formula(spec) ? formula_target_of(spec) : external_target(spec);
    data.axes = names_of(*target);
    const UserDensity density(*target);
    add_density(data, density, target->log_z(), framed(draws, mass_ranges(density, draws)));
  } catch (const Error& error) {
    return {fmt::format("no picture of the target: {}", error.what())};
  }
  return {};
}

/// Columns of rows, the first of them.
std::vector<double> first_columns(std::span<const double> rows, std::size_t dim,
                                  std::size_t columns) {
  std::vector<double> some;
  for (std::size_t i = 0; i + dim <= rows.size(); i += dim) {
    for (std::size_t d = 0; d < columns; ++d) some.push_back(rows[i + d]);
  }
  return some;
}

void add_points(PlotData& data, const Points& points, const TrainedFlow& flow,
                const std::vector<Range>& draws) {
  constexpr std::size_t most_columns = 4;
  data.target_from_points = true;
  if (points.dim != flow.dim()) return;
  if (points.has_names) data.axes = points.names;
  const auto ranges = framed(draws, ranges_of(points.values, points.dim));
  if (points.dim == 1 && !ranges.empty()) {
    data.lines = DensityLines{ranges[0].low, ranges[0].high, {}, {}, {}, {}};
    data.lines->target_bars = histogram_line(points.values, ranges[0], line_bars);
  } else if (points.dim == 2 && !ranges.empty()) {
    set_frame(data, ranges);
    constexpr std::size_t many = 5000;  // few in a cell are noise
    data.target_density =
        histogram_grid(points.values, points.count() < many ? 10 : 6, data.frame, cells);
  } else {
    const auto columns = std::min(points.dim, most_columns);
    data.pairs = PairsData{
        points.dim,
        {points.names.begin(), points.names.begin() + static_cast<std::ptrdiff_t>(columns)},
        first_columns(points.values, points.dim, columns),
        first_columns(some_draws(flow), flow.dim(), columns)};
  }
}

/// The density that was learned, where there are axes for it.
void add_learned(PlotData& data, const TrainedFlow& flow) {
  data.learned_from_draws = !flow.injective();
  if (data.lines) {
    const Range range{data.lines->low, data.lines->high};
    if (data.learned_from_draws) {
      data.lines->learned_bars = histogram_line(some_draws(flow), range, line_bars);
    } else {
      data.lines->learned = learned_line(flow, range, line_cells);
    }
  }
  if (flow.dim() != 2) return;
  data.learned_density = data.learned_from_draws
                             ? histogram_grid(flow.sample(histogram_draws).z, 1, data.frame, cells)
                             : learned_grid(flow, data.frame, cells);
  data.meshes = layer_meshes(flow);
}

PlotReport draw_training(const PictureSource& source, const std::filesystem::path& folder) {
  const auto& spec = source.spec;
  PlotData data;
  std::vector<std::string> warnings;
  data.target = spec.target.name;
  data.flow = source.flow.definition().layers;
  for (const auto& run : parse_flow(data.flow)) data.flow_length += run.count;
  data.loss = source.losses;
  data.loss_every = source.loss_every;
  for (const auto& check : source.held_out) {
    data.held_out_loss.insert(data.held_out_loss.end(),
                              {static_cast<double>(check.iteration), check.loss});
  }
  data.loss_name = name_in(spec.objective.name);

  const auto draws = ranges_of(some_draws(source.flow), source.flow.dim());
  set_frame(data, draws);
  if (!spec.target.stan.empty() || !spec.target.plugin.empty() || has_formula(spec)) {
    data.target = has_formula(spec) ? "density" : source.target;
    warnings = add_external_target(data, spec, draws);
  } else if (spec.target.samples.empty()) {
    add_target(data, spec, draws);
  } else {
    data.target = std::filesystem::path(spec.target.samples).filename().string();
    add_points(data, read_points(spec.target.samples, {.chosen = spec.target.columns}), source.flow,
               draws);
  }
  add_learned(data, source.flow);
  for (const auto& s : source.snapshots) data.samples.push_back({s.iteration, s.x, s.y});
  data.samples_every = spec.run.snapshot_every;
  auto report = write_plots(data, folder);
  report.warnings.insert(report.warnings.begin(), warnings.begin(), warnings.end());
  return report;
}

}  // namespace

PlotReport draw_pictures(const PictureSource& source, const std::filesystem::path& folder) {
  PlotReport report;
  if (source.spec.run.method != Method::staged) report = draw_training(source, folder);
  if (source.posterior != nullptr) {
    const auto page = write_posterior_page(
        posterior_page(source.target, *source.posterior, source.parameters), folder);
    report.files.insert(report.files.end(), page.files.begin(), page.files.end());
    report.warnings.insert(report.warnings.end(), page.warnings.begin(), page.warnings.end());
  }
  return report;
}

}  // namespace riffle
