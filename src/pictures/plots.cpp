#include "pictures/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <numbers>
#include <numeric>
#include <string_view>
#include <utility>

#include "pictures/axis_scale.h"
#include "pictures/dot_image.h"
#include "pictures/gnuplot.h"
#include "pictures/pairs_plot.h"
#include "pictures/studio.h"

namespace riffle {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The tutorial's colours are matplotlib's.
constexpr std::string_view summer = "set palette defined (0 '#008066', 1 '#ffff66')\n";
constexpr std::string_view dot_colour = "#4d1f77b4";  // alpha 0.7: the first byte is transparency

constexpr std::string_view viridis =
    "set palette defined (0 '#440154', 1 '#482878', 2 '#3e4a89', 3 '#31688e', 4 '#26828e',"
    " 5 '#1f9e89', 6 '#35b779', 7 '#6dcd59', 8 '#b4de2c', 9 '#fde725')\n";

constexpr std::size_t most_dots = 3'000;  // in one picture: more only make its SVG file large
constexpr std::size_t most_panels = 6;
constexpr std::size_t most_frames = 16;

/// What draws nothing: gnuplot draws axes only where there is something to plot.
constexpr std::string_view nothing = "NaN";

/// How the axes of a picture show a frame.
struct View {
  Scale x;
  Scale y;
  Frame frame;  ///< as shown

  explicit View(const Frame& f)
      : x(scale_of({f.x_low, f.x_high})),
        y(scale_of({f.y_low, f.y_high})),
        frame{x(f.x_low), x(f.x_high), y(f.y_low), y(f.y_high)} {}

  std::string ranges() const {
    return fmt::format("set xrange [{}:{}]\nset yrange [{}:{}]\n", frame.x_low, frame.x_high,
                       frame.y_low, frame.y_high);
  }
  bool holds(double u, double v) const {
    return u >= frame.x_low && u <= frame.x_high && v >= frame.y_low && v <= frame.y_high;
  }
};

/// What a frame must have to be drawn on.
bool is_usable(const Frame& f) {
  return std::isfinite(f.x_high - f.x_low) && f.x_high > f.x_low &&
         std::isfinite(f.y_high - f.y_low) && f.y_high > f.y_low;
}

std::string axis_name(const PlotData& data, std::size_t i) {
  constexpr std::array<std::string_view, 2> usual{"z₁", "z₂"};
  return i < data.axes.size() ? shortened(data.axes[i], 40) : std::string(usual[i]);
}

std::string loss_name(const PlotData& data) {
  return data.loss_name.empty() ? "loss" : shortened(data.loss_name, 30);
}

// Beyond these, numbers are no news to a reader, and gnuplot's arithmetic goes astray.
constexpr double largest = 1e100;

bool is_sane(double v) {
  return std::abs(v) < largest;
}

/// The latest iteration that the objective is known of.
double last_iteration(const PlotData& data) {
  return static_cast<double>(data.loss.size()) *
         static_cast<double>(std::max<std::uint64_t>(data.loss_every, 1));
}

bool has_best_loss(const PlotData& data) {
  return data.best_loss && is_sane(*data.best_loss) && data.best_loss_from < last_iteration(data);
}

/// Whether some value of a density can be shown.
bool has_mass(const std::vector<double>& values) {
  return std::ranges::any_of(values, [](double v) { return std::isfinite(v) && v > 0; });
}

bool is_usable(const std::optional<DensityGrid>& grid) {
  return grid && grid->n > 1 && grid->values.size() == grid->n * grid->n && has_mass(grid->values);
}

/// A density that gnuplot can draw, in a unit.
std::vector<double> cleaned(std::vector<double> values, double unit = 1) {
  for (double& v : values) v = std::isfinite(v) && v > 0 ? v / unit : 0;
  return values;
}

double highest(const std::vector<double>& values) {
  return *std::ranges::max_element(values);
}

/// The q-quantile of values that are all finite, at least one.
double quantile(std::vector<double> values, double q) {
  const auto rank = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

/// At most `most` of `count` things, evenly spread, the first and the last among them.
std::vector<std::size_t> evenly(std::size_t count, std::size_t most) {
  std::vector<std::size_t> chosen;
  const std::size_t n = std::min(count, most);
  for (std::size_t i = 0; i < n; ++i) chosen.push_back(n == 1 ? 0 : i * (count - 1) / (n - 1));
  return chosen;
}

// Parts of plot commands.

std::string image(const std::string& file, std::size_t n, const Frame& f) {
  const double dx = (f.x_high - f.x_low) / static_cast<double>(n);
  const double dy = (f.y_high - f.y_low) / static_cast<double>(n);
  return fmt::format(
      "'{}' binary array=({},{}) format='%float64' origin=({},{}) dx={} dy={} with image", file, n,
      n, f.x_low + dx / 2, f.y_low + dy / 2, dx, dy);
}

/// Points given as pairs.
std::string dots(Studio& studio, const std::vector<double>& points, double size = 1) {
  if (points.empty()) return std::string(nothing);
  return fmt::format(
      "'{}' binary record={} format='%float64%float64' using 1:2 with points pt 7 ps {}*dot lc "
      "rgb '{}'",
      studio.store(points), points.size() / 2, size, dot_colour);
}

/// An image of `side` × `side` pixels of three bytes that fills the frame.
std::string pixels(Studio& studio, const std::vector<unsigned char>& rgb, int side,
                   const Frame& f) {
  const double dx = (f.x_high - f.x_low) / side;
  const double dy = (f.y_high - f.y_low) / side;
  return fmt::format(
      "'{}' binary array=({},{}) format='%uchar%uchar%uchar' origin=({},{}) dx={} dy={} with "
      "rgbimage",
      studio.store_bytes(rgb), side, side, f.x_low + dx / 2, f.y_low + dy / 2, dx, dy);
}

/// A line through the first `count` points of a file of pairs.
std::string line(const std::string& file, std::size_t count, std::string_view look) {
  return fmt::format("'{}' binary record={} format='%float64%float64' using 1:2 with lines {}",
                     file, count, look);
}

/// The value of a perfect fit, from where it is that.
std::string best_loss_line(const PlotData& data, Studio& studio, std::string_view look) {
  const auto file =
      studio.store({data.best_loss_from, *data.best_loss, last_iteration(data), *data.best_loss});
  return line(file, 2, look);
}

/// Draws inside the axes, as pairs.
std::vector<double> visible_points(const SampleFrame& frame, const View& view) {
  std::vector<double> points;
  const auto count = std::min(frame.x.size(), frame.y.size());
  for (std::size_t i = 0; i < count && points.size() < 2 * most_dots; ++i) {
    const double u = view.x(frame.x[i]);
    const double v = view.y(frame.y[i]);
    if (view.holds(u, v)) points.insert(points.end(), {u, v});
  }
  return points;
}

/// The same in shares of the frame's width and height.
std::vector<double> shares_of_frame(const SampleFrame& frame, const View& view) {
  auto points = visible_points(frame, view);
  for (std::size_t i = 0; i < points.size(); i += 2) {
    const auto& f = view.frame;
    points[i] = (points[i] - f.x_low) / (f.x_high - f.x_low);
    points[i + 1] = (points[i + 1] - f.y_low) / (f.y_high - f.y_low);
  }
  return points;
}

void draw_target(const PlotData& data, Studio& studio) {
  if (data.samples_every == 0 || !is_usable(data.target_density)) return;
  const auto& grid = *data.target_density;
  const Canvas canvas{700, 700};
  const View view(data.frame);
  auto script = canvas.titled({65, 665, 45, 645}, "True density", 16);
  script += view.ranges();
  script += summer;
  const auto values = cleaned(grid.values, highest(grid.values));
  script += "plot " + image(studio.store(values), grid.n, view.frame) + "\n";
  studio.add("distributions/density", canvas, script, 60);
}

void draw_samples(const PlotData& data, Studio& studio) {
  const Canvas canvas{700, 700};
  const View view(data.frame);
  for (const auto& frame : data.samples) {
    if (data.samples_every == 0 || frame.iteration % data.samples_every != 0) continue;
    if (frame.iteration == 0) continue;
    auto script = canvas.titled({65, 665, 40, 640},
                                fmt::format("Samples on iteration #{}", frame.iteration), 16);
    script += canvas.text(365, 680, fmt::format("Flow length: {}", data.flow_length), 16);
    script += view.ranges();
    script += "plot " + dots(studio, visible_points(frame, view)) + "\n";
    studio.add(fmt::format("samples/flow_result_{}", frame.iteration), canvas, script, 25);
  }
}

void draw_densities(const PlotData& data, Studio& studio) {
  if (!is_usable(data.learned_density)) return;
  struct Panel {
    std::string title;
    const DensityGrid* grid;
  };
  std::vector<Panel> panels;
  // A learned density may have a needle of great height, which must not darken all the rest.
  double brightest = quantile(cleaned(data.learned_density->values), 0.999);
  if (is_usable(data.target_density)) {
    panels.push_back({data.target_from_points ? "Points: " + shortened(data.target, 40)
                                              : "Target: " + shortened(data.target, 40),
                      &*data.target_density});
    const auto target = cleaned(data.target_density->values);
    brightest =
        std::max(brightest, data.target_from_points ? quantile(target, 0.999) : highest(target));
  }
  panels.push_back({data.learned_from_draws
                        ? fmt::format("Histogram of draws: {}", shortened(data.flow, 32))
                        : fmt::format("Learned: {}", shortened(data.flow, 40)),
                    &*data.learned_density});
  if (!(brightest > 0)) brightest = highest(cleaned(data.learned_density->values));

  constexpr int side = 440;
  constexpr int left = 70;
  constexpr int gap = 30;
  constexpr int bottom = 60;
  const int count = static_cast<int>(panels.size());
  const int right = left + count * side + (count - 1) * gap;
  const Canvas canvas{right + 115, bottom + side + 45};
  const View view(data.frame);
  const double unit = scale_of({0, brightest}).unit;
  auto script = std::string(viridis);
  script += view.ranges();
  script += fmt::format("set cbrange [0:{}]\nset multiplot\n", brightest / unit);
  for (int i = 0; i < count; ++i) {
    const auto& panel = panels[static_cast<std::size_t>(i)];
    const int x = left + i * (side + gap);
    script += "unset label\n";
    script += canvas.titled({x, x + side, bottom, bottom + side}, panel.title, 16);
    script += canvas.text(x + side / 2, 14, view.x.of(axis_name(data, 0)), 15);
    script += i == 0 ? canvas.text(18, bottom + side / 2, view.y.of(axis_name(data, 1)), 15,
                                   "center rotate by 90")
                     : "set format y ''\n";
    if (i == count - 1) {
      script +=
          fmt::format("set colorbox user origin {} size {} noborder\nset cbtics out scale 0.4\n",
                      canvas.at(right + 20, bottom), canvas.at(16, side));
      if (unit != 1) {
        script += canvas.text(right + 60, bottom + side + 18, fmt::format("in {:g}", unit), 12);
      }
    }
    script += "plot " +
              image(studio.store(cleaned(panel.grid->values, unit)), panel.grid->n, view.frame) +
              "\n";
  }
  script += "unset multiplot\n";
  studio.add("densities", canvas, script, 100);
}

/// A density on the line as pairs, in a unit.
std::vector<double> curve_points(const std::vector<double>& values, const Range& range,
                                 double unit) {
  const auto heights = cleaned(values, unit);
  const double width = range.length() / static_cast<double>(values.size());
  std::vector<double> points;
  for (std::size_t i = 0; i < heights.size(); ++i) {
    points.insert(points.end(), {range.low + (static_cast<double>(i) + 0.5) * width, heights[i]});
  }
  return points;
}

void draw_lines(const PlotData& data, Studio& studio) {
  if (!data.lines || !(data.lines->high > data.lines->low)) return;
  const auto& lines = *data.lines;
  double top = 0;
  for (const auto* values :
       {&lines.target, &lines.target_bars, &lines.learned, &lines.learned_bars}) {
    if (has_mass(*values)) {
      // As in the plane, a needle must not flatten all the rest.
      const auto clean = cleaned(*values);
      top = std::max(top, values == &lines.learned && values->size() > 1
                              ? std::min(highest(clean), 3 * quantile(clean, 0.98))
                              : highest(clean));
    }
  }
  if (!(top > 0)) top = highest(cleaned(lines.learned));
  if (!has_mass(lines.learned) && !has_mass(lines.learned_bars)) return;
  const Canvas canvas{800, 480};
  const Box box{90, 770, 60, 410};
  const Scale scale = scale_of({lines.low, lines.high});
  const auto range = scale(Range{lines.low, lines.high});
  const double unit = scale_of({0, top}).unit;
  auto script = canvas.axes(box);
  script += canvas.text((box.left + box.right) / 2, 14, scale.of(axis_name(data, 0)), 14);
  script += canvas.text(20, (box.bottom + box.top) / 2, Scale{0, unit}.of("density"), 14,
                        "center rotate by 90");
  script += "set border 3\nset key at " + canvas.at(box.right, 455) +
            " right top horizontal maxrows 1 samplen 2\n";
  script += fmt::format("set xrange [{}:{}]\nset yrange [0:{}]\n", range.low, range.high,
                        1.08 * top / unit);
  std::string plot;
  const auto add = [&](const std::vector<double>& values, std::string_view look,
                       const std::string& title) {
    if (!has_mass(values)) return;
    const auto points = curve_points(values, range, unit);
    plot += fmt::format("{}'{}' binary record={} format='%float64%float64' using 1:2 {} title {}",
                        plot.empty() ? "" : ", ", studio.store(points), values.size(), look,
                        gnuplot_string(title));
  };
  script += fmt::format(
      "set boxwidth {}\n",
      range.length() / static_cast<double>(std::max<std::size_t>(lines.target_bars.size(), 1)));
  const auto target = shortened(data.target, 30);
  add(lines.target_bars, "with boxes fs solid noborder lc rgb '#ffd9a8'", "points: " + target);
  add(lines.target, "with filledcurves y1=0 fs solid noborder lc rgb '#ffd9a8'",
      "target: " + target);
  add(lines.learned_bars, "with histeps lw 1.6 lc rgb '#1f77b4'",
      "draws of " + shortened(data.flow, 30));
  add(lines.learned, "with lines lw 2 lc rgb '#1f77b4'", "learned: " + shortened(data.flow, 30));
  studio.add("densities", canvas, script + "plot " + plot + "\n", 60);
}

/// The objective as it is drawn; points are pairs (iteration, value).
struct LossCurve {
  std::vector<double> raw;     ///< as measured, thinned to what a picture can show
  std::vector<double> smooth;  ///< moving average; empty where there is nothing to draw
  std::size_t window = 1;      ///< how many values the average takes
  double low = 0;              ///< range of the y axis
  double high = 0;
  double above = nan;  ///< the highest value, where it is off the top
  double last_iteration = 1;
};

/// The range of the y axis. The first values are often far above all others, which they would
/// flatten.
void choose_range(const PlotData& data, const std::vector<double>& values, LossCurve& curve) {
  curve.low = quantile(values, 0.005);
  curve.high = quantile(values, 0.97);
  if (has_best_loss(data)) {
    curve.low = std::min(curve.low, *data.best_loss);
    curve.high = std::max(curve.high, *data.best_loss);
  }
  const double top = highest(values);
  if (top <= curve.high + 1.5 * (curve.high - curve.low)) {
    curve.high = top;
  } else {
    curve.above = top;
  }
  const double margin =
      std::max(0.05 * (curve.high - curve.low), 1e-3 * std::abs(curve.high) + 1e-9);
  curve.low -= margin;
  curve.high += margin;
}

LossCurve loss_curve(const PlotData& data) {
  std::vector<double> iterations;
  std::vector<double> values;
  const auto step = static_cast<double>(std::max<std::uint64_t>(data.loss_every, 1));
  for (std::size_t i = 0; i < data.loss.size(); ++i) {
    if (!is_sane(data.loss[i])) continue;
    iterations.push_back(static_cast<double>(i + 1) * step);
    values.push_back(data.loss[i]);
  }
  LossCurve curve;
  const std::size_t n = values.size();
  if (n < 2) return curve;
  curve.last_iteration = last_iteration(data);
  choose_range(data, values, curve);

  constexpr std::size_t columns = 800;
  const auto put = [&](std::vector<double>& points, std::size_t i, double value) {
    points.push_back(iterations[i]);
    points.push_back(value);
  };
  const auto iterator = [&](std::size_t i) {
    return values.begin() + static_cast<std::ptrdiff_t>(i);
  };
  // Of each column of pixels the lowest and the highest value give the same picture as all of them.
  const std::size_t per_column = n / columns + 1;
  for (std::size_t first = 0; first < n; first += per_column) {
    const auto [lowest, highest] =
        std::minmax_element(iterator(first), iterator(std::min(first + per_column, n)));
    const auto a = static_cast<std::size_t>(std::min(lowest, highest) - values.begin());
    const auto b = static_cast<std::size_t>(std::max(lowest, highest) - values.begin());
    put(curve.raw, a, values[a]);
    if (a != b) put(curve.raw, b, values[b]);
  }

  const std::size_t half = n / 200;
  curve.window = 2 * half + 1;
  const std::size_t points = std::min(n, columns);
  for (const auto i : evenly(n, points)) {
    // At the start, where the values fall steeply, the window shrinks on both sides.
    const std::size_t reach = std::min(half, i);
    const auto first = iterator(i - reach);
    const auto end = iterator(std::min(i + reach + 1, n));
    put(curve.smooth, i, std::accumulate(first, end, 0.0) / static_cast<double>(end - first));
  }
  return curve;
}

void draw_loss(const PlotData& data, const LossCurve& curve, Studio& studio) {
  if (curve.smooth.empty()) return;
  const Canvas canvas{1000, 500};
  const Box box{105, 960, 65, 425};
  const int middle = (box.left + box.right) / 2;
  auto name = shortened(data.target, 30);
  if (!data.target.empty() && !data.flow.empty()) name += " · ";
  name += shortened(data.flow, 50);

  auto script = canvas.axes(box);
  script += canvas.text(middle, 480, name, 16);
  script += canvas.text(middle, 16, "iteration", 14);
  script += canvas.text(20, (box.bottom + box.top) / 2, loss_name(data), 14, "center rotate by 90");
  if (!std::isnan(curve.above)) {
    script += canvas.text(box.left, 442, fmt::format("↑ up to {:.4g}", curve.above), 13, "left");
  }
  script += "set border 3\nset key at " + canvas.at(box.right, 452) +
            " right top horizontal maxrows 1 samplen 2\n";
  script += fmt::format("set xrange [0:{}]\nset yrange [{}:{}]\n", curve.last_iteration, curve.low,
                        curve.high);
  script += "set grid ytics lt 1 lw 1 lc rgb '#e8e8e8'\n";
  const auto every = data.loss_every > 1 ? fmt::format("every {}th iteration", data.loss_every)
                                         : std::string("each iteration");
  const auto look =
      fmt::format("{} title '{}'",
                  curve.window > 1 ? "lw 0.8 lc rgb '#b4cfe6'" : "lw 1.5 lc rgb '#1f77b4'", every);
  script += "plot " + line(studio.store(curve.raw), curve.raw.size() / 2, look);
  if (curve.window > 1) {
    script += ", " + line(studio.store(curve.smooth), curve.smooth.size() / 2,
                          fmt::format("lw 2 lc rgb '#1f77b4' title 'mean of {}'", curve.window));
  }
  std::vector<double> held_out;
  for (std::size_t i = 0; i + 1 < data.held_out_loss.size(); i += 2) {
    if (!is_sane(data.held_out_loss[i + 1])) continue;
    held_out.insert(held_out.end(), {data.held_out_loss[i], data.held_out_loss[i + 1]});
  }
  if (!held_out.empty()) {
    script += ", " + line(studio.store(held_out), held_out.size() / 2,
                          "lw 2 lc rgb '#ff7f0e' title 'points held out'");
  }
  if (has_best_loss(data)) {
    script +=
        ", " + best_loss_line(
                   data, studio,
                   fmt::format("lw 1.5 dt (16,10) lc rgb '#d62728' title 'best possible: {:.6g}'",
                               *data.best_loss));
  }
  studio.add("loss", canvas, script + "\n", 40);
}

constexpr int shades = 5;

/// A place of the base, whose edges are at ±1, by its distance from the centre: 0 to `shades`.
int place_shade(double x, double y) {
  return static_cast<int>(std::min(std::hypot(x, y), 1.0) * shades);
}

/// A colour for each place of the base: the hue goes round the centre, and the outskirts, where
/// little of the mass is, are paler.
int place_colour(double x, double y) {
  constexpr double hues = 36;
  const double turn = std::floor((std::atan2(y, x) / (2 * std::numbers::pi) + 0.5) * hues) / hues;
  const double outwards = static_cast<double>(place_shade(x, y)) / shades;
  int rgb = 0;
  for (const double shift : {0.0, 1.0 / 3, 2.0 / 3}) {
    const double pure = 0.46 + 0.40 * std::cos(2 * std::numbers::pi * (turn - shift));
    const double paler = pure + 0.75 * outwards * outwards * (0.88 - pure);
    rgb = rgb * 256 + static_cast<int>(std::lround(255 * paler));
  }
  return rgb;
}

struct Point {
  double x;
  double y;
};

/// Whether `p` is within `tolerance` of the segment from `a` to `b`.
bool is_near(const Point& p, const Point& a, const Point& b, double tolerance) {
  const double dx = b.x - a.x;
  const double dy = b.y - a.y;
  const double length2 = dx * dx + dy * dy;
  const double part =
      length2 > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0) : 0.0;
  return std::hypot(p.x - a.x - part * dx, p.y - a.y - part * dy) <= tolerance;
}

/// The line without the points that it can do without.
std::vector<Point> simplified(const std::vector<Point>& line, double tolerance) {
  std::vector<Point> kept{line.front()};
  std::size_t from = 0;
  for (std::size_t to = 2; to < line.size(); ++to) {
    for (std::size_t i = from + 1; i < to; ++i) {
      if (!is_near(line[i], line[from], line[to], tolerance)) {
        from = to - 1;
        kept.push_back(line[from]);
        break;
      }
    }
  }
  if (line.size() > 1) kept.push_back(line.back());
  return kept;
}

/// A part of a mesh line of one colour.
struct Stroke {
  int shade;
  int colour;
  std::vector<Point> line;
};

std::vector<Stroke> mesh_strokes(const MeshFrame& mesh, const View& view) {
  // gnuplot cuts lines at the axes, but its arithmetic goes astray far from them.
  const double farthest =
      1e4 * std::max(view.frame.x_high - view.frame.x_low, view.frame.y_high - view.frame.y_low);
  std::vector<Stroke> strokes;
  for (const auto& line : mesh.lines) {
    bool goes_on = false;
    const std::size_t n = std::min({line.along.size(), line.x.size(), line.y.size()});
    for (std::size_t j = 0; j + 1 < n; ++j) {
      const Point from{view.x(line.x[j]), view.y(line.y[j])};
      const Point to{view.x(line.x[j + 1]), view.y(line.y[j + 1])};
      const auto is_drawable = [&](const Point& p) {
        return std::abs(p.x) < farthest && std::abs(p.y) < farthest;
      };
      if (!is_drawable(from) || !is_drawable(to)) {
        goes_on = false;
        continue;
      }
      const double along = (line.along[j] + line.along[j + 1]) / 2;
      const double x = line.is_row ? along : line.across;
      const double y = line.is_row ? line.across : along;
      const int colour = place_colour(x, y);
      if (!goes_on || strokes.back().colour != colour) {
        strokes.push_back({place_shade(x, y), colour, {from}});
        goes_on = true;
      }
      strokes.back().line.push_back(to);
    }
  }
  return strokes;
}

/// The lines of a mesh as rows (x, y, colour), a row of NaN after each stroke. A pixel is one of
/// `side` along each axis.
std::vector<double> mesh_rows(const MeshFrame& mesh, const View& view, int side) {
  auto strokes = mesh_strokes(mesh, view);
  // The centre is drawn last, on top. Strokes of one colour follow each other, because each change
  // of colour costs space in an SVG file.
  std::ranges::stable_sort(strokes, [](const Stroke& a, const Stroke& b) {
    return std::pair(-a.shade, a.colour) < std::pair(-b.shade, b.colour);
  });
  const Point pixel{(view.frame.x_high - view.frame.x_low) / side,
                    (view.frame.y_high - view.frame.y_low) / side};
  std::vector<double> rows;
  for (auto& stroke : strokes) {
    for (auto& p : stroke.line) p = {p.x / pixel.x, p.y / pixel.y};
    for (const auto& p : simplified(stroke.line, 0.15)) {
      rows.insert(rows.end(), {p.x * pixel.x, p.y * pixel.y, static_cast<double>(stroke.colour)});
    }
    rows.insert(rows.end(), {nan, nan, nan});
  }
  return rows;
}

void draw_layers(const PlotData& data, Studio& studio) {
  std::vector<const MeshFrame*> meshes;
  for (const auto& mesh : data.meshes) {
    if (is_usable(mesh.frame) && !mesh.lines.empty()) meshes.push_back(&mesh);
  }
  std::vector<const MeshFrame*> panels;
  for (const auto i : evenly(meshes.size(), most_panels)) panels.push_back(meshes[i]);
  if (panels.empty()) return;

  constexpr int side = 280;
  constexpr int left = 55;
  constexpr int gap = 60;
  constexpr int bottom = 35;
  constexpr int row_height = side + 65;
  const int count = static_cast<int>(panels.size());
  const int columns = count <= 3 ? count : (count + 1) / 2;
  const int rows = (count + columns - 1) / columns;
  const Canvas canvas{left + columns * side + (columns - 1) * gap + 25,
                      bottom + rows * row_height - 20};
  std::string script = "set border lc rgb '#999999'\nset multiplot\n";
  for (int i = 0; i < count; ++i) {
    const auto& mesh = *panels[static_cast<std::size_t>(i)];
    const View view(mesh.frame);
    const int x = left + i % columns * (side + gap);
    const int y = bottom + (rows - 1 - i / columns) * row_height;
    auto title = mesh.layers == 0   ? std::string("Base")
                 : mesh.layers == 1 ? std::string("After 1 layer")
                                    : fmt::format("After {} layers", mesh.layers);
    const auto units = [](const Scale& scale, std::string_view name) {
      const auto words = scale.of("");
      return words.empty() ? std::string() : fmt::format("; {}{}", name, words);
    };
    title += units(view.x, "x") + units(view.y, "y");
    script += "unset label\n" +
              canvas.titled({x, x + side, y, y + side}, title, characters(title) > 40 ? 10 : 14);
    script += view.ranges();
    const auto lines = mesh_rows(mesh, view, side);
    if (lines.empty()) {
      script += fmt::format("plot {}\n", nothing);
    } else {
      script += fmt::format(
          "plot '{}' binary record={} format='%float64%float64%float64' using 1:2:3 "
          "with lines lw 1 lc rgb variable\n",
          studio.store(lines), lines.size() / 3);
    }
  }
  script += "unset multiplot\n";
  studio.add("layers", canvas, script, 150);
}

/// Which of the draws the animation shows: the first and the last, and between them no more than so
/// many as are further on by a constant factor, since learning slows down.
std::vector<std::size_t> animation_frames(const std::vector<SampleFrame>& samples) {
  const auto last = static_cast<double>(std::max<std::uint64_t>(samples.back().iteration, 2));
  const double factor = std::pow(last, 1 / static_cast<double>(most_frames - 2));
  std::vector<std::size_t> chosen;
  double next = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto iteration = static_cast<double>(samples[i].iteration);
    if (iteration < next && i + 1 < samples.size()) continue;
    chosen.push_back(i);
    next = std::max(iteration, 1.0) * (iteration > 0 ? factor : 1);
  }
  return chosen;
}

void draw_animation(const PlotData& data, const LossCurve& curve, Studio& studio) {
  if (data.samples.size() < 2) return;
  const bool with_loss = !curve.smooth.empty();
  constexpr int side = 200;
  const Box scatter{42, 42 + side, 32, 32 + side};
  const Box loss{312, 312 + side, 32, 32 + side};
  const Canvas canvas{with_loss ? 545 : 260, 265};

  const View view(data.frame);
  const auto* density = is_usable(data.target_density) ? &*data.target_density : nullptr;
  const auto whole_curve = with_loss ? studio.store(curve.smooth) : std::string();

  const auto name = shortened(loss_name(data), 22);
  // As many as tell a thousandth of the axis.
  const int decimals =
      with_loss
          ? std::clamp(3 - static_cast<int>(std::floor(std::log10(curve.high - curve.low))), 0, 6)
          : 0;
  std::vector<std::string> frames;
  for (const auto f : animation_frames(data.samples)) {
    const auto& frame = data.samples[f];
    std::string script = "set multiplot\n";
    script += canvas.titled(scatter, fmt::format("iteration {}", frame.iteration), 15);
    script += view.ranges();
    script += "plot " +
              pixels(studio, dot_image(side, density, shares_of_frame(frame, view), 2), side,
                     view.frame) +
              "\n";
    if (with_loss) {
      std::size_t past = 0;  // numbers of the curve, two a point
      while (past < curve.smooth.size() &&
             curve.smooth[past] <= static_cast<double>(frame.iteration)) {
        past += 2;
      }
      const auto value = past == 0 ? "" : fmt::format(" {:.{}f}", curve.smooth[past - 1], decimals);
      script += "unset label\n" + canvas.titled(loss, name + value, 15);
      script += "set border 3\nset xtics autofreq\n";
      script += fmt::format("set xrange [0:{}]\nset yrange [{}:{}]\n", curve.last_iteration,
                            curve.low, curve.high);
      script += "plot " + line(whole_curve, curve.smooth.size() / 2, "lw 1 lc rgb '#b4c3d0'");
      if (has_best_loss(data)) {
        script += ", " + best_loss_line(data, studio, "lw 1 dt (16,10) lc rgb '#d62728'");
      }
      if (past > 0) {
        script += ", " + line(whole_curve, past / 2, "lw 2 lc rgb '#1f77b4'") + ", " +
                  dots(studio, {curve.smooth[past - 2], curve.smooth[past - 1]});
      }
      script += "\n";
    }
    frames.push_back(script + "unset multiplot\n");
  }
  studio.add_animation("learning.gif", canvas, frames, 10 * static_cast<double>(frames.size()));
}

}  // namespace

PlotReport write_plots(const PlotData& data, const std::filesystem::path& folder) {
  PlotReport report;
  const auto gnuplot = find_gnuplot();
  if (!gnuplot) {
    report.warnings.emplace_back(gnuplot_is_missing);
    return report;
  }
  Studio studio;
  const auto curve = loss_curve(data);
  draw_target(data, studio);
  draw_samples(data, studio);
  draw_densities(data, studio);
  draw_lines(data, studio);
  add_pairs(data, studio);
  draw_loss(data, curve, studio);
  draw_layers(data, studio);
  draw_animation(data, curve, studio);
  report.files = studio.draw(*gnuplot, folder, report.warnings);
  return report;
}

}  // namespace riffle
