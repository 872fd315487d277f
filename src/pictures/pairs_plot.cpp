#include "pictures/pairs_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "pictures/axis_scale.h"

namespace riffle {
namespace {

constexpr std::size_t most_dots = 1000;
constexpr std::size_t bins = 36;
constexpr std::string_view point_colour = "#d9822b";
constexpr std::string_view point_fill = "#ffd9a8";
constexpr std::string_view draw_colour = "#1f77b4";

/// A coordinate of points and draws, finite values only.
struct Coordinate {
  std::vector<double> points;
  std::vector<double> draws;
  Range range;  ///< of nearly all of both
};

std::vector<double> finite_column(const std::vector<double>& rows, std::size_t columns,
                                  std::size_t j) {
  std::vector<double> values;
  for (std::size_t i = j; i < rows.size(); i += columns) {
    if (std::isfinite(rows[i])) values.push_back(rows[i]);
  }
  return values;
}

Coordinate coordinate(const PairsData& pairs, std::size_t j) {
  Coordinate c{finite_column(pairs.points, pairs.names.size(), j),
               finite_column(pairs.draws, pairs.names.size(), j),
               {}};
  bool first = true;
  for (const auto* values : {&c.points, &c.draws}) {
    if (values->empty()) continue;
    auto sorted = *values;
    std::ranges::sort(sorted);
    const auto last = static_cast<double>(sorted.size() - 1);
    const double low = sorted[static_cast<std::size_t>(0.004 * last)];
    const double high = sorted[static_cast<std::size_t>(std::ceil(0.996 * last))];
    c.range =
        first ? Range{low, high} : Range{std::min(c.range.low, low), std::max(c.range.high, high)};
    first = false;
  }
  const double margin = c.range.length() > 0 ? 0.06 * c.range.length()
                        : c.range.low == 0   ? 1
                                             : 0.1 * std::abs(c.range.low);
  c.range = {c.range.low - margin, c.range.high + margin};
  return c;
}

std::string pairs_of(Studio& studio, const std::vector<double>& values, std::string_view look) {
  if (values.empty()) return "NaN";
  return fmt::format("'{}' binary record={} format='%float64%float64' using 1:2 {}",
                     studio.store(values), values.size() / 2, look);
}

/// Bars (middle, height) whose area is the share of what the range has.
std::vector<double> histogram(const std::vector<double>& values, const Scale& scale,
                              const Range& range) {
  std::vector<double> counts(bins);
  for (const double v : values) {
    const double place = (scale(v) - range.low) / range.length();
    if (place >= 0 && place < 1) ++counts[static_cast<std::size_t>(place * bins)];
  }
  std::vector<double> bars;
  const double width = range.length() / bins;
  for (std::size_t b = 0; b < bins; ++b) {
    bars.push_back(range.low + (static_cast<double>(b) + 0.5) * width);
    bars.push_back(values.empty() ? 0 : counts[b] / (static_cast<double>(values.size()) * width));
  }
  return bars;
}

/// Rows of two coordinates inside the axes, evenly chosen.
std::vector<double> dots(const std::vector<double>& rows, std::size_t columns, std::size_t x,
                         std::size_t y, const Scale& scale_x, const Scale& scale_y,
                         const Range& range_x, const Range& range_y) {
  const std::size_t n = rows.size() / columns;
  const std::size_t step = std::max<std::size_t>(1, (n + most_dots - 1) / most_dots);
  std::vector<double> points;
  for (std::size_t i = 0; i < n; i += step) {
    const double u = scale_x(rows[i * columns + x]);
    const double v = scale_y(rows[i * columns + y]);
    if (u >= range_x.low && u <= range_x.high && v >= range_y.low && v <= range_y.high) {
      points.insert(points.end(), {u, v});
    }
  }
  return points;
}

}  // namespace

void add_pairs(const PlotData& data, Studio& studio) {
  if (!data.pairs || data.pairs->names.empty()) return;
  const auto& pairs = *data.pairs;
  const std::size_t count = pairs.names.size();
  std::vector<Coordinate> coordinates;
  std::vector<Scale> scales;
  std::vector<Range> ranges;
  for (std::size_t j = 0; j < count; ++j) {
    coordinates.push_back(coordinate(pairs, j));
    const auto& c = coordinates.back();
    if (c.points.empty() || c.draws.empty() || !std::isfinite(c.range.length())) return;
    scales.push_back(scale_of(c.range));
    ranges.push_back(scales.back()(c.range));
  }
  const int side = count <= 3 ? 250 : 200;
  constexpr int left = 80;
  constexpr int bottom = 60;
  constexpr int gap = 14;
  const int panels = static_cast<int>(count);
  const int width = panels * side + (panels - 1) * gap;
  const Canvas canvas{left + width + 25, bottom + width + 75};
  const auto columns =
      count < pairs.dim ? fmt::format("  ({} of {} coordinates)", count, pairs.dim) : "";
  const int title_y = canvas.height - 22;
  std::string script = "set multiplot\n";
  const auto header = canvas.text(left, title_y,
                                  fmt::format("{} · {}{}", shortened(data.target, 24),
                                              shortened(data.flow, 36), columns),
                                  15, "left") +
                      canvas.text(left, title_y - 24, "■ points", 13,
                                  fmt::format("left textcolor rgb '{}'", point_colour)) +
                      canvas.text(left + 95, title_y - 24, "■ draws of the flow", 13,
                                  fmt::format("left textcolor rgb '{}'", draw_colour));
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t column = 0; column < count; ++column) {
      const int x = left + static_cast<int>(column) * (side + gap);
      const int y = bottom + static_cast<int>(count - 1 - row) * (side + gap);
      const bool lowest = row + 1 == count;
      script += "unset label\nset border 15 lc rgb '#999999'\n";
      script += canvas.axes({x, x + side, y, y + side});
      if (row == 0 && column == 0) script += header;
      if (lowest) {
        script += canvas.text(x + side / 2, bottom - 40,
                              scales[column].of(shortened(pairs.names[column], 22)), 13);
      }
      if (column == 0) {
        script += canvas.text(20, y + side / 2, scales[row].of(shortened(pairs.names[row], 22)), 13,
                              "center rotate by 90");
      }
      script +=
          fmt::format("set xrange [{}:{}]\nset xtics nomirror {} font ',11'\nset format x {}\n",
                      ranges[column].low, ranges[column].high, tick_step(ranges[column], 3),
                      lowest ? "'%g'" : "''");
      if (row == column) {
        const auto points = histogram(coordinates[row].points, scales[row], ranges[row]);
        const auto draws = histogram(coordinates[row].draws, scales[row], ranges[row]);
        double top = 0;
        for (const auto* bars : {&points, &draws}) {
          for (std::size_t b = 1; b < bars->size(); b += 2) top = std::max(top, (*bars)[b]);
        }
        script += fmt::format(
            "unset ytics\nset boxwidth {}\nset yrange [0:{}]\nplot {}, {}\n",
            ranges[row].length() / bins, top > 0 ? 1.1 * top : 1,
            pairs_of(studio, points,
                     fmt::format("with boxes fs solid noborder lc rgb '{}'", point_fill)),
            pairs_of(studio, draws, fmt::format("with histeps lw 1.4 lc rgb '{}'", draw_colour)));
      } else {
        const bool of_draws = column > row;
        script +=
            fmt::format("set yrange [{}:{}]\nset ytics nomirror {} font ',11'\nset format y {}\n",
                        ranges[row].low, ranges[row].high, tick_step(ranges[row], 3),
                        column == 0 ? "'%g'" : "''");
        script += "plot " +
                  pairs_of(studio,
                           dots(of_draws ? pairs.draws : pairs.points, count, column, row,
                                scales[column], scales[row], ranges[column], ranges[row]),
                           fmt::format("with points pt 7 ps 0.55*dot lc rgb '#80{}'",
                                       (of_draws ? draw_colour : point_colour).substr(1))) +
                  "\n";
      }
    }
  }
  studio.add("pairs", canvas, script + "unset multiplot\n", 200);
}

}  // namespace riffle
