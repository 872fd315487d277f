#include "pictures/grids.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/aligned.h"
#include "core/names.h"
#include "core/rows.h"
#include "targets/target_registry.h"

namespace riffle {
namespace {

Range across(const Frame& frame) {
  return {frame.x_low, frame.x_high};
}

Range upwards(const Frame& frame) {
  return {frame.y_low, frame.y_high};
}

double cell_centre(std::size_t i, const Range& range, std::size_t cells) {
  return range.low + (static_cast<double>(i) + 0.5) / static_cast<double>(cells) * range.length();
}

std::vector<double> cell_centres(const Frame& frame, std::size_t cells) {
  std::vector<double> points;
  for (std::size_t row = 0; row < cells; ++row) {
    for (std::size_t column = 0; column < cells; ++column) {
      points.push_back(cell_centre(column, across(frame), cells));
      points.push_back(cell_centre(row, upwards(frame), cells));
    }
  }
  return points;
}

std::vector<double> cell_centres(const Range& range, std::size_t cells) {
  std::vector<double> points;
  for (std::size_t i = 0; i < cells; ++i) points.push_back(cell_centre(i, range, cells));
  return points;
}

/// ln p at points, row-major; -infinity where it is NaN.
std::vector<double> log_densities(const Density<double>& target, std::span<const double> points) {
  const std::size_t dim = target.dim();
  const std::size_t n = points.size() / dim;
  TileBuffer<double> z(dim);
  TileBuffer<double> gradient(dim);
  AlignedVector<double> log_p(tile_size);
  std::vector<double> all;
  for (std::size_t first = 0; first < n; first += tile_size) {
    const auto count = std::min(tile_size, n - first);
    rows_to_tile(points.subspan(dim * first, dim * count), z.view(count));
    target.evaluate(z.view(count), log_p.data(), gradient.view(count));
    for (std::size_t s = 0; s < count; ++s) {
      all.push_back(std::isnan(log_p[s]) ? -std::numeric_limits<double>::infinity() : log_p[s]);
    }
  }
  return all;
}

/// exp(log p - log Z) of cells of a size, or so that they integrate to 1.
std::vector<double> densities(std::vector<double> log_p, std::optional<double> log_z,
                              double cell_size) {
  if (!log_z) {
    // ln p may be so large or small that its exponential is none.
    const double top = *std::ranges::max_element(log_p);
    if (!std::isfinite(top)) return std::vector<double>(log_p.size(), 0.0);
    double sum = 0;
    for (const double l : log_p) sum += std::exp(l - top);
    log_z = top + std::log(sum) + std::log(cell_size);
  }
  for (double& v : log_p) v = std::exp(v - *log_z);
  return log_p;
}

/// Where cells that hold nearly all of a mass begin and end.
std::pair<std::size_t, std::size_t> middle_of(const std::vector<double>& mass) {
  constexpr double left_out = 0.001;
  const double total = std::accumulate(mass.begin(), mass.end(), 0.0);
  std::pair<std::size_t, std::size_t> cells{0, mass.size() - 1};
  double sum = 0;
  while (cells.first + 1 < mass.size() && sum + mass[cells.first] < left_out * total) {
    sum += mass[cells.first++];
  }
  sum = 0;
  while (cells.second > cells.first && sum + mass[cells.second] < left_out * total) {
    sum += mass[cells.second--];
  }
  return cells;
}

}  // namespace

DensityGrid target_grid(const Density<double>& target, std::optional<double> log_z,
                        const Frame& frame, std::size_t cells) {
  const auto n = static_cast<double>(cells);
  return {cells, densities(log_densities(target, cell_centres(frame, cells)), log_z,
                           across(frame).length() / n * (upwards(frame).length() / n))};
}

DensityGrid learned_grid(const TrainedFlow& flow, const Frame& frame, std::size_t cells) {
  auto log_q = flow.log_density(cell_centres(frame, cells));
  for (double& v : log_q) v = std::exp(v);
  return {cells, std::move(log_q)};
}

DensityGrid histogram_grid(std::span<const double> points, std::size_t cells_wide,
                           const Frame& frame, std::size_t cells) {
  const std::size_t coarse = cells / cells_wide;
  std::vector<double> counts(coarse * coarse, 0.0);
  const double width = across(frame).length() / static_cast<double>(coarse);
  const double height = upwards(frame).length() / static_cast<double>(coarse);
  const double unit = 2 / static_cast<double>(points.size()) / width / height;
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    const double column = std::floor((points[i] - frame.x_low) / width);
    const double row = std::floor((points[i + 1] - frame.y_low) / height);
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

std::vector<double> target_line(const Density<double>& target, std::optional<double> log_z,
                                const Range& range, std::size_t cells) {
  return densities(log_densities(target, cell_centres(range, cells)), log_z,
                   range.length() / static_cast<double>(cells));
}

std::vector<double> learned_line(const TrainedFlow& flow, const Range& range, std::size_t cells) {
  auto log_q = flow.log_density(cell_centres(range, cells));
  for (double& v : log_q) v = std::exp(v);
  return log_q;
}

std::vector<double> histogram_line(std::span<const double> points, const Range& range,
                                   std::size_t cells) {
  std::vector<double> density(cells);
  const double width = range.length() / static_cast<double>(cells);
  for (const double x : points) {
    const double place = (x - range.low) / width;
    if (place >= 0 && place < static_cast<double>(cells)) {
      density[static_cast<std::size_t>(place)] += 1 / (static_cast<double>(points.size()) * width);
    }
  }
  return density;
}

std::optional<Range> range_of(std::span<const double> rows, std::size_t dim, std::size_t d) {
  constexpr double left_out = 0.0025;
  constexpr double margin = 0.08;
  std::vector<double> values;
  for (std::size_t i = d; i < rows.size(); i += dim) {
    if (std::isfinite(rows[i])) values.push_back(rows[i]);
  }
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const auto at = [&](double p) {
    return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1) + 0.5)];
  };
  const Range range{at(left_out), at(1 - left_out)};
  // A column may have but one value, even 0.
  const double size = std::max({margin * range.length(), 1e-9 * std::abs(range.low), 1e-300});
  return Range{range.low - size, range.high + size};
}

Range united(const Range& a, const Range& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

std::vector<Range> mass_ranges(const Density<double>& target, std::vector<Range> start) {
  constexpr std::size_t cells = 120;
  constexpr int most_tries = 4;
  const bool plane = start.size() == 2;
  for (int tries = 0; tries < most_tries; ++tries) {
    for (auto& r : start) r = {r.low - r.length(), r.high + r.length()};
    auto found = start;
    const auto log_p = log_densities(
        target,
        plane ? cell_centres(Frame{start[0].low, start[0].high, start[1].low, start[1].high}, cells)
              : cell_centres(start[0], cells));
    const auto p = densities(log_p, std::nullopt, 1);
    bool at_edge = false;
    for (std::size_t d = 0; d < start.size(); ++d) {
      std::vector<double> mass(cells);
      for (std::size_t i = 0; i < p.size(); ++i) mass[d == 0 ? i % cells : i / cells] += p[i];
      const auto [first, last] = middle_of(mass);
      const double cell = start[d].length() / static_cast<double>(cells);
      found[d] = {start[d].low + (static_cast<double>(first) - 1) * cell,
                  start[d].low + (static_cast<double>(last) + 2) * cell};
      if (first == 0 || last + 1 == cells) at_edge = true;
    }
    if (!at_edge || tries + 1 == most_tries) return found;
  }
  return start;
}

DensityGrid built_in_grid(std::string_view name, const Frame& frame, std::size_t cells) {
  const auto& entry = find_by_name(target_registry(), name, "target");
  const auto options = default_options(entry, InstructionSet::best());
  return target_grid(*entry.make<double>(options), entry.log_z(options), frame, cells);
}

}  // namespace riffle
