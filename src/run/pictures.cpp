#include "run/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>
#include <span>

#include "core/aligned.h"
#include "core/names.h"
#include "flows/flow_registry.h"
#include "io/points.h"
#include "riffle/error.h"
#include "run/external_target.h"
#include "run/grids.h"
#include "run/posterior_pictures.h"
#include "run/target_options.h"
#include "run/training.h"
#include "targets/target_registry.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

constexpr std::size_t cells = 300;       // of a density picture, each way, as in the tutorial
constexpr std::size_t mesh_nodes = 201;  // each way; more than lines, so that these bend smoothly
constexpr double mesh_limit = 3;         // standard deviations of the base
constexpr std::size_t mesh_panels = 6;
constexpr std::uint64_t histogram_draws = 2'000'000;

/// Axes that hold all points but one in two hundred.
double limit_for(std::vector<double> points) {
  for (double& x : points) x = std::abs(x);
  const auto at = points.begin() + static_cast<std::ptrdiff_t>(points.size() * 199 / 200);
  std::nth_element(points.begin(), at, points.end());
  return std::max(1.1 * *at, 1e-6);
}

/// A mesh over the base, before the first layer and after some of the others.
std::vector<MeshFrame> mesh_path(const TrainedFlow& flow) {
  const auto& d = flow.definition();
  const auto chain = make_flow<double>(parse_flow(d.layers), {d.dim, 0, InstructionSet::best()});
  const std::size_t nodes = mesh_nodes * mesh_nodes;
  const auto node = [](std::size_t i) {
    return mesh_limit * (2 * static_cast<double>(i) / static_cast<double>(mesh_nodes - 1) - 1);
  };
  MeshFrame mesh{0, mesh_nodes, {}, {}};
  for (std::size_t i = 0; i < nodes; ++i) {
    mesh.x.push_back(node(i % mesh_nodes));
    mesh.y.push_back(node(i / mesh_nodes));
  }
  std::vector<MeshFrame> frames{mesh};
  const std::size_t length = chain->length();
  const std::size_t panels = std::min(mesh_panels - 1, length);
  const std::span<const double> params(d.params);
  TileBuffer<double> in(2);
  TileBuffer<double> out(2);
  AlignedVector<double> log_det(tile_size);
  for (std::size_t k = 0; k < length; ++k) {
    const auto& layer = chain->layer(k);
    AlignedVector<double> cache(layer.cache_size());
    for (std::size_t first = 0; first < nodes; first += tile_size) {
      const auto count = std::min(tile_size, nodes - first);
      std::copy_n(mesh.x.data() + first, count, in.row(0));
      std::copy_n(mesh.y.data() + first, count, in.row(1));
      layer.forward(chain->part(params, k), in.view(count), out.view(count), log_det.data(),
                    cache.data());
      std::copy_n(out.row(0), count, mesh.x.data() + first);
      std::copy_n(out.row(1), count, mesh.y.data() + first);
    }
    mesh.layers = k + 1;
    // The panels are spread evenly over the layers, the last one after them all.
    if ((k + 1) * panels / length != k * panels / length) frames.push_back(mesh);
  }
  return frames;
}

/// The first iteration whose objective has all of ln p; that after the last where none has.
std::uint64_t annealed_from(const Spec& spec) {
  const auto options = trainer_options(spec);
  const auto has_all = [&](std::uint64_t iteration) {
    return options.objective(options.objective_settings, iteration).beta >= 1;
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

/// What is known of a target: its density, and the value of a perfect fit.
void add_target(PlotData& data, const Spec& spec) {
  const auto& entry = find_by_name(target_registry(), spec.target.name, "target");
  const auto options = target_options(entry, spec, InstructionSet::best());
  const auto log_z = entry.log_z(options);
  // While ln p comes in, a perfect fit of what there is of it has another value at each iteration.
  if (log_z) {
    data.best_loss_from = static_cast<double>(annealed_from(spec));
    // E[ln q0] of the standard normal is -D/2 (1 + ln 2π); the bound leaves it out.
    const bool leaves_out = spec.objective.name == "bound";
    const double entropy =
        0.5 * static_cast<double>(options.dim) * (1 + std::log(2 * std::numbers::pi));
    data.best_loss = -*log_z + (leaves_out ? entropy : 0);
  }
  data.limit = entry.reach;
  if (options.dim == 2) {
    data.target_density = target_grid(*entry.make<double>(options), log_z, data.limit, cells);
  }
}

/// Draws of the flow, for axes that hold them.
std::vector<double> some_draws(const TrainedFlow& flow) {
  constexpr std::uint64_t draws = 10'000;
  return flow.sample(draws).z;
}

/// The same of a target from a library, or of a formula. Returns what there is to warn of: without
/// the library, the rest can still be drawn.
std::vector<std::string> add_external_target(PlotData& data, const Spec& spec,
                                             const TrainedFlow& flow) {
  const auto& library = spec.target.stan.empty() ? spec.target.plugin : spec.target.stan;
  data.target = has_formula(spec) ? "density" : std::filesystem::path(library).stem().string();
  if (flow.dim() != 2) return {};
  data.limit = limit_for(some_draws(flow));
  try {
    const auto target = has_formula(spec) ? formula_target_of(spec) : external_target(spec);
    data.target_density = target_grid(UserDensity(*target), target->log_z(), data.limit, cells);
  } catch (const Error& error) {
    return {fmt::format("no picture of the target: {}", error.what())};
  }
  return {};
}

PlotReport draw_training(const PictureSource& source, const std::filesystem::path& folder) {
  const auto& spec = source.spec;
  PlotData data;
  std::vector<std::string> warnings;
  data.target = spec.target.name;
  data.flow = spec.flow.layers;
  for (const auto& run : parse_flow(spec.flow.layers)) data.flow_length += run.count;
  data.loss = source.losses;
  data.loss_every = source.loss_every;
  data.loss_name = spec.objective.name;

  if (!spec.target.stan.empty() || !spec.target.plugin.empty() || has_formula(spec)) {
    warnings = add_external_target(data, spec, source.flow);
  } else if (spec.target.samples.empty()) {
    add_target(data, spec);
  } else {
    data.target = std::filesystem::path(spec.target.samples).filename().string();
    if (source.flow.dim() == 2) {
      const auto points = read_points(spec.target.samples).values;
      data.limit = limit_for(points);
      data.target_density = histogram_grid(points, 6, data.limit, cells);
    }
  }
  if (source.flow.dim() == 2) {
    data.learned_from_draws = !source.flow.injective();
    data.learned_density =
        data.learned_from_draws
            ? histogram_grid(source.flow.sample(histogram_draws).z, 1, data.limit, cells)
            : learned_grid(source.flow, data.limit, cells);
    data.meshes = mesh_path(source.flow);
    for (const auto& s : source.snapshots) data.samples.push_back({s.iteration, s.x, s.y});
  }
  auto report = write_plots(data, folder);
  report.warnings.insert(report.warnings.begin(), warnings.begin(), warnings.end());
  return report;
}

}  // namespace

PlotReport draw_pictures(const PictureSource& source, const std::filesystem::path& folder) {
  PlotReport report;
  if (source.spec.run.method != "staged") report = draw_training(source, folder);
  if (source.posterior != nullptr) {
    const auto page = write_posterior_page(
        posterior_page(source.target, *source.posterior, source.parameters), folder);
    report.files.insert(report.files.end(), page.files.begin(), page.files.end());
    report.warnings.insert(report.warnings.end(), page.warnings.begin(), page.warnings.end());
  }
  return report;
}

}  // namespace riffle
