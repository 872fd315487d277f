#include "calibration/calibration_plot.h"

#include <fmt/format.h>

#include <algorithm>

#include "pictures/gnuplot.h"
#include "pictures/studio.h"

namespace riffle {
namespace {

constexpr std::size_t most_panels = 12;

std::vector<const QuantityCalibration*> shown(const CalibrationReport& report) {
  std::vector<const QuantityCalibration*> all;
  for (const auto& q : report.quantities) all.push_back(&q);
  if (all.size() > most_panels) {
    std::ranges::stable_sort(all, {}, &QuantityCalibration::adjusted_p);
    all.resize(most_panels);
  }
  return all;
}

/// Of each point z: z, band's lower and upper limit, and the curve, all less z.
std::vector<double> curve(const RankTests& tests, const EcdfBand::Limits& band) {
  std::vector<double> rows;
  const double n = static_cast<double>(tests.count);
  std::size_t below = 0;
  for (std::size_t i = 1; i < rank_bins; ++i) {
    below += tests.in_bins[i - 1];
    const double z = static_cast<double>(i) / static_cast<double>(rank_bins);
    rows.insert(rows.end(), {z, static_cast<double>(band.lower[i - 1]) / n - z,
                             static_cast<double>(band.upper[i - 1]) / n - z,
                             static_cast<double>(below) / n - z});
  }
  return rows;
}

}  // namespace

std::vector<std::string> draw_calibration(const CalibrationReport& report,
                                          const std::filesystem::path& folder) {
  std::vector<std::string> warnings;
  const auto panels = shown(report);
  if (panels.empty() || panels.front()->reliable.count == 0) return warnings;
  const auto gnuplot = find_gnuplot();
  if (!gnuplot) return {std::string(gnuplot_is_missing)};
  constexpr int width = 250;
  constexpr int height = 150;
  constexpr int gap_x = 66;
  constexpr int gap_y = 64;
  const int columns = static_cast<int>(std::min<std::size_t>(3, panels.size()));
  const int rows = (static_cast<int>(panels.size()) + columns - 1) / columns;
  const Canvas canvas{20 + columns * (width + gap_x), 66 + rows * (height + gap_y)};
  Studio studio;
  std::string script = "set multiplot\nset xrange [0:1]\nset xtics 0.25\nset border 3\nunset key\n";
  int at = 0;
  for (const auto* q : panels) {
    const int x = gap_x + at % columns * (width + gap_x);
    const int y = 52 + (rows - 1 - at / columns) * (height + gap_y);
    script += "unset label\n";
    if (at == 0) {
      script += canvas.text(canvas.width / 2, 14,
                            "rank of the truth / 200;  up: distribution function less uniform", 13);
    }
    script += canvas.titled({x, x + width, y, y + height}, shortened(q->name, 30), 14);
    const auto data = studio.store(curve(q->reliable, report.band));
    const auto file = fmt::format("'{}' binary record={} format='%float64%float64%float64%float64'",
                                  data, rank_bins - 1);
    script += fmt::format(
        "plot {0} using 1:2:3 with filledcurves lc rgb '#d8e4f0', 0 with lines lc rgb '#888888', "
        "{0} using 1:4 with lines lw 1.6 lc rgb '{1}'\n",
        file, q->adjusted_p < wrong_alarm ? "#d62728" : "#1f77b4");
    ++at;
  }
  script += "unset multiplot\n";
  studio.add("calibration", canvas, script, 100);
  studio.draw(*gnuplot, folder, warnings);
  return warnings;
}

}  // namespace riffle
