#include "run/grids.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/aligned.h"
#include "core/names.h"
#include "core/rows.h"
#include "targets/target_registry.h"

namespace riffle {
namespace {

double cell_centre(std::size_t i, double limit, std::size_t cells) {
  return limit * (2 * (static_cast<double>(i) + 0.5) / static_cast<double>(cells) - 1);
}

std::vector<double> cell_centres(double limit, std::size_t cells) {
  std::vector<double> points;
  for (std::size_t row = 0; row < cells; ++row) {
    for (std::size_t column = 0; column < cells; ++column) {
      points.push_back(cell_centre(column, limit, cells));
      points.push_back(cell_centre(row, limit, cells));
    }
  }
  return points;
}

}  // namespace

DensityGrid target_grid(const Density<double>& target, std::optional<double> log_z, double limit,
                        std::size_t cells) {
  DensityGrid grid{cells, {}};
  const auto points = cell_centres(limit, cells);
  TileBuffer<double> z(2);
  TileBuffer<double> gradient(2);
  AlignedVector<double> log_p(tile_size);
  for (std::size_t first = 0; first < cells * cells; first += tile_size) {
    const auto count = std::min(tile_size, cells * cells - first);
    rows_to_tile(std::span(points).subspan(2 * first, 2 * count), z.view(count));
    target.evaluate(z.view(count), log_p.data(), gradient.view(count));
    for (std::size_t s = 0; s < count; ++s) {
      grid.values.push_back(std::isnan(log_p[s]) ? 0 : std::exp(log_p[s]));
    }
  }
  const double side = 2 * limit / static_cast<double>(cells);
  const double total =
      log_z ? std::exp(*log_z)
            : std::accumulate(grid.values.begin(), grid.values.end(), 0.0) * side * side;
  for (double& v : grid.values) v /= total;
  return grid;
}

DensityGrid learned_grid(const TrainedFlow& flow, double limit, std::size_t cells) {
  auto log_q = flow.log_density(cell_centres(limit, cells));
  for (double& v : log_q) v = std::exp(v);
  return {cells, std::move(log_q)};
}

DensityGrid histogram_grid(std::span<const double> points, std::size_t cells_wide, double limit,
                           std::size_t cells) {
  const std::size_t coarse = cells / cells_wide;
  std::vector<double> counts(coarse * coarse, 0.0);
  const double side = 2 * limit / static_cast<double>(coarse);
  const double unit = 2 / (static_cast<double>(points.size()) * side * side);
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    const double column = std::floor((points[i] + limit) / side);
    const double row = std::floor((points[i + 1] + limit) / side);
    const auto inside = [&](double c) { return c >= 0 && c < static_cast<double>(coarse); };
    if (inside(column) && inside(row)) {
      counts[static_cast<std::size_t>(row) * coarse + static_cast<std::size_t>(column)] += unit;
    }
  }
  DensityGrid grid{cells, {}};
  for (std::size_t row = 0; row < cells; ++row) {
    for (std::size_t column = 0; column < cells; ++column) {
      grid.values.push_back(counts[row / cells_wide * coarse + column / cells_wide]);
    }
  }
  return grid;
}

DensityGrid built_in_grid(std::string_view name, double limit, std::size_t cells) {
  const auto& entry = find_by_name(target_registry(), name, "target");
  const auto options = default_options(entry, InstructionSet::best());
  return target_grid(*entry.make<double>(options), entry.log_z(options), limit, cells);
}

}  // namespace riffle
