#include "figure3/figure3_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "io/files.h"
#include "pictures/gnuplot.h"
#include "pictures/studio.h"

namespace riffle {
namespace {

constexpr std::string_view palette =
    "set palette defined (0 '#440154', 1 '#482878', 2 '#3e4a89', 3 '#31688e', 4 '#26828e',"
    " 5 '#1f9e89', 6 '#35b779', 7 '#6dcd59', 8 '#b4de2c', 9 '#fde725')\n";
constexpr std::array<std::string_view, 4> colours{"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728"};

/// In the order in which they first appear.
template <class Key>
auto distinct(const std::vector<Figure3Plots::Cell>& cells, Key&& key) {
  std::vector<std::decay_t<decltype(key(cells[0]))>> all;
  for (const auto& cell : cells) {
    if (std::find(all.begin(), all.end(), key(cell)) == all.end()) all.push_back(key(cell));
  }
  return all;
}

const Figure3Plots::Cell* find(const Figure3Plots& plots, std::string_view target,
                               std::string_view flow, std::size_t length) {
  for (const auto& cell : plots.cells) {
    if (cell.target == target && cell.flow == flow && cell.length == length) return &cell;
  }
  return nullptr;
}

std::string image(Studio& studio, const DensityGrid& grid, double limit) {
  std::vector<double> values = grid.values;
  for (double& v : values) v = std::isfinite(v) ? v : 0;
  const double side = 2 * limit / static_cast<double>(grid.n);
  return fmt::format(
      "plot '{0}' binary array=({1},{1}) format='%float64' origin=({2},{2}) dx={3} dy={3} with "
      "image\n",
      studio.store(values), grid.n, -limit + side / 2, side);
}

/// Targets in rows; in columns the target itself, then each flow with each of its lengths.
void draw_grid(const Figure3Plots& plots, Studio& studio) {
  const auto flows = distinct(plots.cells, [](const auto& c) { return c.flow; });
  const auto lengths = distinct(plots.cells, [](const auto& c) { return c.length; });
  constexpr int side = 104;
  constexpr int gap = 6;
  constexpr int group_gap = 26;
  constexpr int left = 50;
  constexpr int top = 62;
  constexpr int bottom = 14;
  const int rows = static_cast<int>(plots.targets.size());
  const int columns = static_cast<int>(flows.size() * lengths.size());
  const Canvas canvas{
      left + side + columns * (side + gap) + static_cast<int>(flows.size()) * group_gap + gap,
      bottom + rows * (side + gap) + top};
  auto script = std::string(palette);
  script += fmt::format("set xrange [{0}:{1}]\nset yrange [{0}:{1}]\nunset tics\n", -plots.limit,
                        plots.limit);
  script += "set border 15 lw 0.5 lc rgb '#888888'\nset multiplot\n";
  for (int row = 0; row < rows; ++row) {
    const auto& target = plots.targets[static_cast<std::size_t>(row)];
    const int y = bottom + (rows - 1 - row) * (side + gap);
    const double brightest =
        *std::max_element(target.density.values.begin(), target.density.values.end());
    script += fmt::format("set cbrange [0:{}]\n", brightest);
    script += "unset label\n" + canvas.text(26, y + side / 2, target.name, 15);
    if (row == 0) script += canvas.text(left + side / 2, y + side + 14, "target", 13);
    script += canvas.axes({left, left + side, y, y + side});
    script += image(studio, target.density, plots.limit);
    int x = left + side;
    for (const auto& flow : flows) {
      x += group_gap;
      for (const auto length : lengths) {
        const int here = x;
        x += side + gap;
        const auto* cell = find(plots, target.name, flow, length);
        if (cell == nullptr) continue;
        script += "unset label\n";
        if (row == 0) {
          script += canvas.text(here + side / 2, y + side + 14, fmt::format("K = {}", length), 13);
          if (length == lengths[lengths.size() / 2]) {
            script += canvas.text(here + side / 2, y + side + 40, flow, 15);
          }
        }
        script += canvas.text(here + 4, y + 10, fmt::format("KL {:.3f}", cell->kl), 10,
                              "left textcolor rgb '#ffffff'");
        script += canvas.axes({here, here + side, y, y + side});
        script += image(studio, cell->density, plots.limit);
      }
    }
  }
  script += "unset multiplot\n";
  studio.add("figure3", canvas, script, 800);
}

/// KL against the number of layers, both on logarithmic axes.
void draw_divergences(const Figure3Plots& plots, Studio& studio) {
  const auto flows = distinct(plots.cells, [](const auto& c) { return c.flow; });
  const auto lengths = distinct(plots.cells, [](const auto& c) { return c.length; });
  constexpr double least = 1e-4;  // a smaller KL is within its error of nothing
  constexpr int side = 260;
  constexpr int gap = 28;
  constexpr int left = 84;
  constexpr int bottom = 58;
  const int count = static_cast<int>(plots.targets.size());
  const Canvas canvas{left + count * (side + gap), bottom + side + 82};
  double most = 3;
  for (const auto& cell : plots.cells) most = std::max(most, 1.2 * cell.kl);
  auto script = fmt::format("set logscale xy\nset xrange [{}:{}]\nset yrange [{}:{}]\n",
                            0.8 * static_cast<double>(lengths.front()),
                            1.25 * static_cast<double>(lengths.back()), least, most);
  script += "set xtics (";
  for (std::size_t k = 0; k < lengths.size(); ++k) {
    script += fmt::format("{}'{}' {}", k == 0 ? "" : ", ", lengths[k], lengths[k]);
  }
  script += ")\nset ytics ('1' 1, '0.1' 0.1, '0.01' 0.01, '0.001' 0.001, '0.0001' 0.0001)\n";
  script += "set grid ytics lt 1 lw 1 lc rgb '#e8e8e8'\nset border 3\nset multiplot\n";
  for (int i = 0; i < count; ++i) {
    const auto& target = plots.targets[static_cast<std::size_t>(i)];
    const int x = left + i * (side + gap);
    script += "unset label\n";
    script += canvas.titled({x, x + side, bottom, bottom + side}, target.name, 16);
    script += canvas.text(x + side / 2, 16, "layers", 14);
    if (i == 0) {
      script += canvas.text(20, bottom + side / 2, "KL(q‖p), nats", 14, "center rotate by 90");
      for (std::size_t k = 0; k < flows.size(); ++k) {
        script += canvas.text(left + static_cast<int>(k) * 190, bottom + side + 60,
                              fmt::format("● {}", flows[k]), 14,
                              fmt::format("left textcolor rgb '{}'", colours[k % colours.size()]));
      }
    } else {
      script += "set format y ''\nset ytics ('' 1, '' 0.1, '' 0.01, '' 0.001)\n";
    }
    std::string plot;
    for (std::size_t k = 0; k < flows.size(); ++k) {
      std::vector<double> points;
      for (const auto length : lengths) {
        if (const auto* cell = find(plots, target.name, flows[k], length)) {
          points.push_back(static_cast<double>(length));
          points.push_back(std::max(cell->kl, least));
        }
      }
      if (points.empty()) continue;
      plot += fmt::format(
          "{}'{}' binary record={} format='%float64%float64' using 1:2 with linespoints lw 1.6 pt "
          "7 "
          "ps 0.9*dot lc rgb '{}'",
          plot.empty() ? "plot " : ", ", studio.store(points), points.size() / 2,
          colours[k % colours.size()]);
    }
    if (!plot.empty()) script += plot + "\n";
  }
  script += "unset multiplot\n";
  studio.add("figure3-kl", canvas, script, 100);
}

}  // namespace

PlotReport write_figure3(const Figure3Plots& plots, const std::filesystem::path& folder) {
  PlotReport report;
  make_folder(folder);
  if (plots.cells.empty() || plots.targets.empty()) return report;
  const auto gnuplot = find_gnuplot();
  if (!gnuplot) {
    report.warnings.emplace_back(gnuplot_is_missing);
    return report;
  }
  Studio studio;
  draw_grid(plots, studio);
  draw_divergences(plots, studio);
  report.files = studio.draw(*gnuplot, folder, report.warnings);
  return report;
}

}  // namespace riffle
