#include "pictures/posterior_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

#include "diagnostics/importance.h"
#include "diagnostics/parameter_summary.h"
#include "pictures/axis_scale.h"
#include "pictures/gnuplot.h"
#include "pictures/studio.h"
#include "riffle/diagnostics.h"

namespace riffle {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double largest = 1e100;  // beyond it gnuplot's arithmetic goes astray

constexpr std::size_t most_parameters = 8;
constexpr std::size_t most_pairs = 3;
constexpr std::size_t most_candidates = 24;  // parameters among which pairs are looked for
constexpr std::size_t most_dots = 800;
constexpr std::size_t most_lines = 3;
constexpr std::size_t most_stages = 8;
constexpr std::size_t most_told = 5;  // stages in the key of the bound
constexpr std::size_t bins = 36;

constexpr std::string_view weighted_colour = "#1f77b4";
constexpr std::string_view weighted_fill = "#a9cbe6";
constexpr std::string_view drawn_colour = "#e6762a";
constexpr std::string_view ink = "#333333";
constexpr std::string_view faint = "#777777";
constexpr std::array<std::string_view, 10> stage_colours{"#1f77b4", "#2ca02c", "#9467bd", "#d9822b",
                                                         "#17a2b8", "#8c564b", "#e377c2", "#6b7a1c",
                                                         "#404080", "#c08a00"};
constexpr double character_width = 6.6;  // about, of text of 12 pixels

// Places on the page, in pixels.
constexpr Canvas canvas{1400, 1040};
constexpr int left = 50;
constexpr int middle = 900;  // between draws and the rest
constexpr int far_left = 985;
constexpr int far_right = 1365;
constexpr int upper_top = 840;
constexpr int upper_bottom = 520;
constexpr int lower_top = 425;
constexpr int lower_bottom = 62;

/// One parameter over the draws, with what is not finite left out.
struct Column {
  std::vector<double> values;
  std::vector<double> weights;  ///< empty where there are none
  Range bars;                   ///< of nearly all of it, drawn and weighted, and of nothing beyond
  Range range;                  ///< of an axis that shows this
};

double quantile(const std::vector<std::pair<double, double>>& sorted, double p) {
  double sum = 0;
  for (const auto& [value, weight] : sorted) {
    sum += weight;
    if (sum >= p) return value;
  }
  return sorted.back().first;
}

/// Sets the ranges of a column that has values. No bar reaches beyond the values themselves, so
/// that none is where the parameter cannot be; one that begins near a bound at 0 or 1 begins there.
void choose_ranges(Column& column) {
  Range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  const double share = 1 / static_cast<double>(column.values.size());
  double total = 0;
  for (const double w : column.weights) total += w;
  for (const bool weighted : {false, true}) {
    if (weighted && !(total > 0)) continue;
    std::vector<std::pair<double, double>> sorted;
    for (std::size_t i = 0; i < column.values.size(); ++i) {
      sorted.emplace_back(column.values[i], weighted ? column.weights[i] / total : share);
    }
    std::ranges::sort(sorted);
    range.low = std::min(range.low, quantile(sorted, 0.004));
    range.high = std::max(range.high, quantile(sorted, 0.996));
  }
  if (!(range.length() > 0)) {
    const double margin = range.low == 0 ? 1 : 0.1 * std::abs(range.low);
    column.bars = column.range = {range.low - margin, range.high + margin};
    return;
  }
  const double margin = 0.05 * range.length();
  const auto [least, most] = std::ranges::minmax(column.values);
  Range bars{std::max(range.low - margin, least), std::min(range.high + margin, most)};
  if (least >= 0 && bars.low < margin) bars.low = 0;
  if (most <= 0 && bars.high > -margin) bars.high = 0;
  if (least >= 0 && most <= 1 && bars.high > 1 - margin) bars.high = 1;
  column.bars = bars;
  column.range = {bars.low - 0.4 * margin, bars.high + 0.4 * margin};
}

/// All that is to be shown of the draws.
class Draws {
 public:
  explicit Draws(const PosteriorPage& page)
      : page_(page),
        count_(page.names.size()),
        values_(page.values),
        n_(count_ == 0 ? 0 : values_.size() / count_) {
    if (page.log_weights.size() == n_)
      weights_ = normalised_weights(psis(page.log_weights).smoothed);
    for (double& v : values_) {
      if (!(std::abs(v) < largest)) v = nan;
    }
    const auto drawn = summarise(values_, count_);
    summaries_ = weights_.empty() ? drawn : summarise(values_, count_, weights_);
    for (std::size_t j = 0; j < count_; ++j) {
      const auto shift =
          largest_shift(std::span(drawn).subspan(j, 1), std::span(summaries_).subspan(j, 1));
      shifts_.push_back(std::max(shift.mean, shift.sd));
    }
  }

  bool is_weighted() const { return !weights_.empty(); }
  bool is_resampled() const { return page_.resampled; }
  std::size_t count() const { return count_; }
  const std::string& name(std::size_t j) const { return page_.names[j]; }
  const ParameterSummary& summary(std::size_t j) const { return summaries_[j]; }
  /// NaN where it is not finite, or so large that gnuplot cannot show it.
  double value(std::size_t i, std::size_t j) const { return values_[i * count_ + j]; }

  Column column(std::size_t j) const {
    Column column;
    for (std::size_t i = 0; i < n_; ++i) {
      if (std::isnan(value(i, j))) continue;
      column.values.push_back(value(i, j));
      if (is_weighted()) column.weights.push_back(weights_[i]);
    }
    if (!column.values.empty()) choose_ranges(column);
    return column;
  }

  /// What a reader looks for first: 0 for the model's own scalars, 1 for elements of its arrays, 2
  /// and 3 for what is computed from them.
  int kind(std::size_t j) const {
    const bool own = j < page_.parameter_count.value_or(count_);
    return (own ? 0 : 2) + (name(j).find_first_of(".[") == std::string::npos ? 0 : 1);
  }

  bool has_spread(std::size_t j) const { return summaries_[j].sd > 0; }

  /// What the marginals show: what was chosen, or the first kinds, of one kind those with the
  /// largest shifts. Of the latter none is without numbers or spread.
  std::vector<std::size_t> shown() const {
    if (page_.chosen.empty()) return first_kinds(most_parameters, count_);
    std::vector<std::size_t> all;
    for (const auto j : page_.chosen) {
      if (j < count_ && !column(j).values.empty() && all.size() < most_parameters) all.push_back(j);
    }
    return all;
  }

  /// Those among which pairs are looked for: parameters, or what was chosen.
  std::vector<std::size_t> candidates() const {
    if (page_.chosen.empty()) {
      return first_kinds(most_candidates, page_.parameter_count.value_or(count_));
    }
    auto all = shown();
    std::erase_if(all, [&](std::size_t j) { return !has_spread(j); });
    return all;
  }

  /// About `most` draws, each as often as its weight says, or evenly where there are no weights or
  /// none are wanted.
  std::vector<std::size_t> some(std::size_t most, bool weighted) const {
    std::vector<std::size_t> chosen;
    double below = 0;
    const auto places = static_cast<double>(std::min(most, n_));
    for (std::size_t i = 0; i < n_; ++i) {
      below += weighted && is_weighted() ? weights_[i] : 1 / static_cast<double>(n_);
      while (static_cast<double>(chosen.size()) + 0.5 < below * places) chosen.push_back(i);
    }
    return chosen;
  }

 private:
  std::vector<std::size_t> first_kinds(std::size_t most, std::size_t end) const {
    std::vector<std::size_t> all;
    for (std::size_t j = 0; j < std::min(end, count_); ++j) {
      if (has_spread(j)) all.push_back(j);
    }
    std::ranges::stable_sort(all, {},
                             [&](std::size_t j) { return std::pair(kind(j), -shifts_[j]); });
    all.resize(std::min(all.size(), most));
    std::ranges::sort(all, {}, [&](std::size_t j) { return std::pair(kind(j), j); });
    return all;
  }

  const PosteriorPage& page_;
  std::size_t count_;
  std::vector<double> values_;
  std::size_t n_;
  std::vector<double> weights_;
  std::vector<ParameterSummary> summaries_;
  std::vector<double> shifts_;
};

/// Ranks of numbers, from -1 to 1.
std::vector<double> ranks(const std::vector<double>& x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return x[i]; });
  std::vector<double> rank(x.size());
  for (std::size_t r = 0; r < order.size(); ++r) {
    rank[order[r]] = 2 * (static_cast<double>(r) + 0.5) / static_cast<double>(x.size()) - 1;
  }
  return rank;
}

double correlation(std::span<const double> x, std::span<const double> y) {
  const auto n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

/// The pairs that depend on each other most, by ranks: a trend of one in the other, or, as in a
/// funnel or a banana, of the distance of one from its middle.
std::vector<std::pair<std::size_t, std::size_t>> dependent_pairs(const Draws& draws) {
  const auto candidates = draws.candidates();
  const auto rows = draws.some(2000, true);
  std::vector<std::vector<double>> rank;
  std::vector<std::vector<double>> distance;
  for (const auto j : candidates) {
    std::vector<double> x;
    for (const auto i : rows) x.push_back(draws.value(i, j));
    for (double& v : x) {
      if (std::isnan(v)) v = 0;
    }
    rank.push_back(ranks(x));
    distance.push_back(rank.back());
    for (double& v : distance.back()) v = std::abs(v);
  }
  struct Pair {
    double dependence;
    std::pair<std::size_t, std::size_t> which;
  };
  std::vector<Pair> pairs;
  for (std::size_t a = 0; a < candidates.size(); ++a) {
    for (std::size_t b = a + 1; b < candidates.size(); ++b) {
      const double dependence = std::max({std::abs(correlation(rank[a], rank[b])),
                                          std::abs(correlation(rank[a], distance[b])),
                                          std::abs(correlation(distance[a], rank[b]))});
      pairs.push_back({dependence, {candidates[a], candidates[b]}});
    }
  }
  std::ranges::stable_sort(pairs, std::greater(), &Pair::dependence);
  std::vector<std::pair<std::size_t, std::size_t>> chosen;
  for (const auto& pair : pairs) {
    if (chosen.size() < most_pairs) chosen.push_back(pair.which);
  }
  return chosen;
}

std::string axis(char which, const Range& range, double ticks) {
  return fmt::format("set {0}range [{1}:{2}]\nset {0}tics nomirror {3} font ',11'\n", which,
                     range.low, range.high, tick_step(range, ticks));
}

/// A panel of nothing but its labels: gnuplot draws them only with a plot.
constexpr std::string_view blank_panel =
    "unset border\nunset tics\nset xrange [0:1]\nset yrange [0:1]\nplot NaN\n"
    "set tics out nomirror scale 0.5 textcolor rgb '#333333'\n";

/// What each panel starts from.
std::string fresh_panel(const Box& box) {
  return "unset label\nunset object\nunset logscale\nunset grid\nunset key\nset format '%g'\n"
         "set border 3 lw 1 lc rgb '#999999'\n" +
         canvas.axes(box);
}

std::string coloured(std::string_view place, std::string_view colour) {
  return fmt::format("{} textcolor rgb '{}'", place, colour);
}

std::string heading(int x, int y, std::string_view words) {
  return canvas.text(x, y, words, 15, coloured("left", ink));
}

std::string xy(Studio& studio, const std::vector<double>& points, std::string_view look) {
  return fmt::format("'{}' binary record={} format='%float64%float64' using 1:2 {}",
                     studio.store(points), points.size() / 2, look);
}

std::string draw_header(const PosteriorPage& page) {
  auto script = fresh_panel({0, canvas.width, 0, canvas.height});
  script += canvas.text(left - 20, canvas.height - 36, shortened(page.title, 70), 24,
                        coloured("left", ink));
  if (page.grade) {
    constexpr std::array<std::string_view, 3> fills{"#2e8b57", "#d08700", "#c0392b"};
    auto words = std::string(name_of(*page.grade));
    std::ranges::replace(words, '-', ' ');
    const int width = 40 + 10 * static_cast<int>(words.size());
    script += fmt::format(
        "set object 1 rectangle from {} to {} fc rgb '{}' fs solid noborder behind\n",
        canvas.at(far_right - width, canvas.height - 56), canvas.at(far_right, canvas.height - 18),
        fills[static_cast<std::size_t>(*page.grade)]);
    script += canvas.text(far_right - width / 2, canvas.height - 37, words, 17,
                          coloured("center", "#ffffff"));
  }
  for (std::size_t i = 0; i < std::min(page.lines.size(), most_lines); ++i) {
    script += canvas.text(left - 20, canvas.height - 74 - 21 * static_cast<int>(i),
                          shortened(page.lines[i], 190), 13, coloured("left", faint));
  }
  return script + std::string(blank_panel);
}

/// Which colour is which, right-aligned at (x, y).
std::string draws_key(const Draws& draws, int x, int y) {
  if (!draws.is_weighted()) {
    return canvas.text(x, y, draws.is_resampled() ? "■ resampled" : "■ as drawn", 13,
                       coloured("right", weighted_colour));
  }
  return canvas.text(x, y, "■ weighted", 13, coloured("right", weighted_colour)) +
         canvas.text(x - 95, y, "■ as drawn", 13, coloured("right", drawn_colour));
}

/// Bars (middle, height) of a histogram that integrates to the share of what is in the range.
std::vector<double> histogram(const Column& column, const Scale& scale, bool weighted) {
  std::vector<double> height(bins);
  double total = 0;
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    const double weight = weighted ? column.weights[i] : 1;
    total += weight;
    const double place = (column.values[i] - column.bars.low) / column.bars.length();
    if (!(place >= 0 && place <= 1)) continue;
    height[std::min(static_cast<std::size_t>(place * bins), bins - 1)] += weight;
  }
  std::vector<double> bars;
  const Range range = scale(column.bars);
  const double width = range.length() / bins;
  for (std::size_t b = 0; b < bins; ++b) {
    bars.push_back(range.low + (static_cast<double>(b) + 0.5) * width);
    bars.push_back(total > 0 ? height[b] / (total * width) : 0);
  }
  return bars;
}

/// The mean in as many digits as its spread is worth.
std::string mean_text(const ParameterSummary& summary) {
  const double ratio = std::abs(summary.mean) / summary.sd;
  const int digits = ratio > 10 && std::isfinite(ratio)
                         ? std::min(3 + static_cast<int>(std::floor(std::log10(ratio))), 15)
                         : 3;
  return fmt::format("{:.{}g} ± {:.3g}", summary.mean, digits, summary.sd);
}

/// What the heading says of the marginals.
std::string marginals_heading(const PosteriorPage& page, const Draws& draws,
                              const std::vector<std::size_t>& shown) {
  if (shown.size() == draws.count()) return "Marginals";
  auto words = fmt::format("Marginals: {} of {} parameters", shown.size(), draws.count());
  if (!page.chosen.empty()) return words + ", as asked for";
  const auto kind = [&](std::size_t j) { return draws.kind(j); };
  const bool scalars_first = kind(shown.front()) != kind(shown.back());
  return words + (scalars_first         ? ", the model's own scalars first"
                  : draws.is_weighted() ? ", those that weights move most"
                                        : "");
}

std::string draw_marginals(const PosteriorPage& page, const Draws& draws, Studio& studio) {
  const auto chosen = draws.shown();
  if (chosen.empty()) return "";
  const int count = static_cast<int>(chosen.size());
  const int columns = count <= 4 ? count : (count + 1) / 2;
  const int rows = count <= 4 ? 1 : 2;
  constexpr int gap = 24;
  constexpr int row_gap = 62;
  const int width = (middle - left - (columns - 1) * gap) / columns;
  const int height = (upper_top - upper_bottom - (rows - 1) * row_gap) / rows;
  std::string script;
  for (int i = 0; i < count; ++i) {
    const auto j = chosen[static_cast<std::size_t>(i)];
    const auto column = draws.column(j);
    const int x = left + (i % columns) * (width + gap);
    const int y = upper_top - height - (i / columns) * (height + row_gap);
    script += fresh_panel({x, x + width, y, y + height});
    if (i == 0) {
      script += heading(left - 20, upper_top + 42, marginals_heading(page, draws, chosen));
      script += draws_key(draws, middle, upper_top + 42);
    }
    const auto& summary = draws.summary(j);
    const auto figures = mean_text(summary);
    const auto fitting = static_cast<std::size_t>((width + gap) / character_width);
    const auto room = fitting - std::min(fitting, characters(figures) + 3);
    script += canvas.text(
        x + width / 2, y + height + 12,
        fmt::format("{}   {}", shortened(draws.name(j), std::clamp<std::size_t>(room, 8, 40)),
                    figures),
        12, coloured("center", ink));
    const auto scale = scale_of(column.range);
    const auto unit = scale.of("");
    if (!unit.empty()) {
      script += canvas.text(x + width / 2, y - 30, unit.substr(unit.find_first_not_of(", ")), 11,
                            coloured("center", faint));
    }
    script += "set border 1 lw 1 lc rgb '#999999'\nunset ytics\n";
    script += axis('x', scale(column.range), std::max(3.0, width / 65.0));
    const auto drawn = histogram(column, scale, false);
    std::string plot;
    double top = 0;
    const auto raise = [&](const std::vector<double>& bars) {
      for (std::size_t b = 1; b < bars.size(); b += 2) top = std::max(top, bars[b]);
    };
    raise(drawn);
    if (draws.is_weighted()) {
      const auto weighted = histogram(column, scale, true);
      raise(weighted);
      plot = xy(studio, weighted,
                fmt::format("with boxes fs solid noborder lc rgb '{}', ", weighted_fill)) +
             xy(studio, weighted, fmt::format("with histeps lw 1 lc rgb '{}', ", weighted_colour)) +
             xy(studio, drawn, fmt::format("with histeps lw 1.6 lc rgb '{}'", drawn_colour));
    } else {
      plot = xy(studio, drawn,
                fmt::format("with boxes fs solid noborder lc rgb '{}', ", weighted_fill)) +
             xy(studio, drawn, fmt::format("with histeps lw 1 lc rgb '{}'", weighted_colour));
    }
    script += fmt::format("set boxwidth {}\nset yrange [0:{}]\nplot {}\n",
                          scale(column.bars).length() / bins, top > 0 ? 1.05 * top : 1, plot);
  }
  return script;
}

std::string draw_pairs(const Draws& draws, Studio& studio) {
  const auto pairs = dependent_pairs(draws);
  if (pairs.empty()) return "";
  const int count = static_cast<int>(pairs.size());
  constexpr int gap = 62;
  const int width = (middle - left - (count - 1) * gap) / count;
  const int bottom = std::max(lower_bottom, lower_top - 3 * width / 2);
  std::string script;
  for (int p = 0; p < count; ++p) {
    const auto a = pairs[static_cast<std::size_t>(p)].first;
    const auto b = pairs[static_cast<std::size_t>(p)].second;
    const int x = left + p * (width + gap);
    script += fresh_panel({x, x + width, bottom, lower_top});
    if (p == 0) {
      script += heading(left - 20, lower_top + 30,
                        draws.count() > 2 ? "Pairs that depend on each other most" : "Pair");
      script += draws_key(draws, middle, lower_top + 30);
    }
    const auto horizontal = draws.column(a).range;
    const auto vertical = draws.column(b).range;
    const auto scale_a = scale_of(horizontal);
    const auto scale_b = scale_of(vertical);
    script += canvas.text(x + width / 2, bottom - 36, scale_a.of(shortened(draws.name(a), 24)), 12);
    script += canvas.text(x - 42, (bottom + lower_top) / 2,
                          scale_b.of(shortened(draws.name(b), 24)), 12, "center rotate by 90");
    script += axis('x', scale_a(horizontal), std::max(3.0, width / 65.0));
    script += axis('y', scale_b(vertical), 5);
    const auto inside = [&](bool weighted) {
      std::vector<double> points;
      for (const auto i : draws.some(most_dots, weighted)) {
        const double u = draws.value(i, a);
        const double v = draws.value(i, b);
        if (u < horizontal.low || u > horizontal.high || v < vertical.low || v > vertical.high ||
            std::isnan(u) || std::isnan(v)) {
          continue;
        }
        points.insert(points.end(), {scale_a(u), scale_b(v)});
      }
      return points;
    };
    const auto dots = [&](bool weighted, std::string_view colour) {
      return xy(studio, inside(weighted),
                fmt::format("with points pt 7 ps 0.55*dot lc rgb '#90{}'", colour.substr(1)));
    };
    script += "plot ";
    if (draws.is_weighted()) script += dots(false, drawn_colour) + ", ";
    script += dots(true, weighted_colour) + "\n";
  }
  return script;
}

/// Weights over their mean in descending order, as (rank, weight), thinned evenly in ln rank.
std::vector<double> descending(std::vector<double> log_weights, double log_mean) {
  std::ranges::sort(log_weights, std::greater());
  std::vector<double> points;
  std::size_t next = 1;
  for (std::size_t rank = 1; rank <= log_weights.size(); ++rank) {
    if (rank < next && rank < log_weights.size()) continue;
    next = rank + 1 + rank / 60;
    const double weight = std::exp(log_weights[rank - 1] - log_mean);
    if (weight > 1e-30) points.insert(points.end(), {static_cast<double>(rank), weight});
  }
  return points;
}

std::string draw_weights(const PosteriorPage& page, Studio& studio) {
  const auto found = importance(page.log_weights);
  if (found.collapsed && !page.resampled && !page.by_sampler) return "";
  const Box box{far_left, far_right, upper_bottom + 10, upper_top};
  auto script = fresh_panel(box);
  script += heading(far_left - 55, upper_top + 42, "Importance weights");
  if (page.resampled || page.by_sampler) {
    script +=
        canvas.text(far_left - 55, upper_top + 18,
                    page.by_sampler ? "the draws are those of a sampler's chains, and have none"
                                    : "the draws were resampled by them, and have none any more",
                    12, coloured("left", faint));
    return script + std::string(blank_panel);
  }
  script += canvas.text(
      far_left - 55, upper_top + 18,
      fmt::format("{:.3g} % of the {} draws in draws.csv effective, {}", 100 * found.ess_fraction,
                  found.draws, found.khat ? fmt::format("k̂ = {:.2f}", *found.khat) : "all alike"),
      12, coloured("left", faint));
  script += canvas.text((box.left + box.right) / 2, box.bottom - 38, "rank of the draw", 12);
  script += canvas.text(far_left - 48, (box.bottom + box.top) / 2, "weight / mean", 12,
                        "center rotate by 90");
  std::vector<double> finite;
  for (const double w : page.log_weights) {
    if (std::isfinite(w)) finite.push_back(w);
  }
  const auto raw = descending(finite, found.log_z);
  const auto smooth = descending(psis(page.log_weights).smoothed, found.log_z);
  const double top = std::max({2.0, raw[1], smooth[1]});
  const double low = std::clamp(raw.back() / 2, 1e-5, 0.1);
  const auto n = static_cast<double>(found.draws);
  script += fmt::format(
      "set logscale xy\nset xrange [0.9:{}]\nset yrange [{}:{}]\nset xtics nomirror autofreq font "
      "',11'\n"
      "set ytics nomirror autofreq font ',11'\nset grid ytics lt 1 lw 1 lc rgb "
      "'#eeeeee'\n",
      1.1 * n, low, 2 * top);
  script += "set key at " + canvas.at(box.left + 12, box.bottom + 8) +
            " left bottom Left reverse samplen 1.5 font ',12'\n";
  script +=
      "plot " +
      xy(studio, raw,
         fmt::format("with lines lw 3 lc rgb '{}' title 'as they are', ", weighted_fill)) +
      xy(studio, smooth,
         fmt::format("with lines lw 1.2 lc rgb '{}' title 'Pareto-smoothed', ", weighted_colour)) +
      "1 with lines dt (6,6) lw 1 lc rgb '#999999' title 'a perfect fit'\n";
  return script;
}

/// The range of the bound: its first values are often far below all others.
Range bound_range(const PosteriorPage& page, std::vector<double> values) {
  std::ranges::sort(values);
  const auto at = [&](double p) {
    return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
  };
  Range range{at(0.1), values.back()};
  if (page.log_z && std::abs(*page.log_z) < largest) {
    range.high = std::max(range.high, *page.log_z);
    range.low = std::min(range.low, *page.log_z);
  }
  if (values.front() >= range.low - 1.5 * range.length()) range.low = values.front();
  const double margin = std::max(
      {0.06 * range.length(), 1e-3, 1e-9 * std::max(std::abs(range.low), std::abs(range.high))});
  return {range.low - margin, range.high + margin};
}

/// Names of the stages in their order.
std::vector<std::string> stage_names(const PosteriorPage& page) {
  std::vector<std::string> names;
  for (const auto& b : page.bound) {
    if (std::ranges::find(names, b.stage) == names.end()) names.push_back(b.stage);
  }
  return names;
}

std::string_view stage_colour(const std::vector<std::string>& names, const std::string& stage) {
  const auto at = static_cast<std::size_t>(std::ranges::find(names, stage) - names.begin());
  return at == names.size() ? ink : stage_colours[at % stage_colours.size()];
}

std::string draw_bound(const PosteriorPage& page, int bottom, Studio& studio) {
  std::vector<double> values;
  double last = 0;
  for (const auto& b : page.bound) {
    if (!(std::abs(b.elbo) < largest)) continue;
    values.push_back(b.elbo);
    last = std::max(last, b.gradients);
  }
  if (values.empty() || !(last > 0)) return "";
  struct Unit {
    double size;
    std::string_view name;
  };
  const Unit unit = last < 1e4   ? Unit{1, "gradients"}
                    : last < 1e7 ? Unit{1e3, "thousand gradients"}
                                 : Unit{1e6, "million gradients"};
  const Box box{far_left, far_right, bottom, lower_top};
  auto script = fresh_panel(box);
  const auto range = bound_range(page, values);
  const auto scale = scale_of(range);
  script += heading(far_left - 55, lower_top + 30, scale.of("Bound on log Z"));
  script += canvas.text((box.left + box.right) / 2, box.bottom - 36, unit.name, 12);
  script += "set grid ytics lt 1 lw 1 lc rgb '#eeeeee'\n";
  script += axis('x', {0, 1.02 * last / unit.size}, 5);
  script += axis('y', scale(range), 4);
  script += "set key at " + canvas.at(box.right, box.bottom + 8) +
            " right bottom samplen 1.5 font ',12'\n";
  const auto names = stage_names(page);
  const bool told = names.size() <= most_told;  // of more, the table has the colours
  std::string plot;
  for (const auto& stage : names) {
    std::vector<double> points;
    for (const auto& b : page.bound) {
      if (b.stage == stage && std::abs(b.elbo) < largest) {
        points.insert(points.end(), {b.gradients / unit.size, scale(b.elbo)});
      }
    }
    if (points.empty()) continue;
    const auto colour = stage_colour(names, stage);
    const auto look = points.size() == 2
                          ? fmt::format("with points pt 7 ps dot lc rgb '{}'", colour)
                          : fmt::format("with lines lw 1.6 lc rgb '{}'", colour);
    const auto title = told ? " title " + gnuplot_string(shortened(stage, 24)) : " notitle";
    plot += xy(studio, points, look + title) + ", ";
  }
  if (page.log_z && std::abs(*page.log_z) < largest) {
    const int digits = scale.shift == 0 ? 5 : 11;
    plot += fmt::format("{} with lines dt (8,6) lw 1.3 lc rgb '#d62728' title 'log Z: {:.{}g}', ",
                        scale(*page.log_z), *page.log_z, digits);
  }
  plot.resize(plot.size() - 2);
  return script + "plot " + plot + "\n";
}

/// The rows of the table: of many the first and the last ones.
std::vector<std::vector<std::string>> stage_rows(const PosteriorPage& page) {
  if (page.stages.size() <= most_stages) return page.stages;
  constexpr std::size_t head = 3;
  constexpr std::size_t tail = most_stages - head - 1;
  const auto left_out = page.stages.size() - head - tail;
  auto rows = page.stages;
  rows[head] = {fmt::format("… {} more", left_out)};
  const auto from = rows.begin() + head + 1;
  rows.erase(from, from + static_cast<std::ptrdiff_t>(left_out) - 1);
  return rows;
}

/// The table, its lowest row at `bottom`.
std::string draw_stages(const PosteriorPage& page, int bottom) {
  constexpr int line = 21;
  constexpr int room = far_right - far_left + 55;
  const auto rows = stage_rows(page);
  if (rows.empty()) return "";
  auto script = fresh_panel({0, canvas.width, 0, canvas.height});
  const std::size_t columns = page.stage_header.size();
  std::size_t most = 28;  // characters of a cell
  std::vector<std::size_t> widths(columns);
  const auto cell = [&](const std::vector<std::string>& row, std::size_t c) {
    return c < row.size() ? shortened(row[c], most) : std::string();
  };
  const auto measure = [&] {
    for (std::size_t c = 0; c < columns; ++c) {
      widths[c] = 2 + characters(cell(page.stage_header, c));
      for (const auto& row : rows) widths[c] = std::max(widths[c], 2 + characters(cell(row, c)));
    }
    return static_cast<double>(std::accumulate(widths.begin(), widths.end(), std::size_t{0}));
  };
  double total = measure();
  while (total * character_width > room && most > 8) {
    --most;
    total = measure();
  }
  const auto put = [&](const std::vector<std::string>& row, int y, std::string_view colour,
                       std::string_view first_colour) {
    double end = far_left - 55;
    for (std::size_t c = 0; c < columns; ++c) {
      const double start = end;
      end += static_cast<double>(widths[c]) / total * room;
      script += canvas.text(static_cast<int>(c == 0 ? start : end), y, cell(row, c), 12,
                            coloured(c == 0 ? "left" : "right", c == 0 ? first_colour : colour));
    }
  };
  const auto names = stage_names(page);
  int y = bottom + line * static_cast<int>(rows.size());
  put(page.stage_header, y, faint, faint);
  for (const auto& row : rows) {
    y -= line;
    put(row, y, ink, row.empty() ? ink : stage_colour(names, row.front()));
  }
  return script + std::string(blank_panel);
}

}  // namespace

PlotReport write_posterior_page(const PosteriorPage& page, const std::filesystem::path& folder) {
  PlotReport report;
  const auto gnuplot = find_gnuplot();
  if (!gnuplot) {
    report.warnings.emplace_back(gnuplot_is_missing);
    return report;
  }
  Studio studio;
  const Draws draws(page);
  const int table = static_cast<int>(std::min(page.stages.size(), most_stages));
  std::string script = "set multiplot\n";
  script += draw_header(page);
  script += draw_marginals(page, draws, studio);
  script += draw_pairs(draws, studio);
  script += draw_weights(page, studio);
  script += draw_bound(page, table == 0 ? lower_bottom : lower_bottom + 70 + 21 * table, studio);
  script += draw_stages(page, 26);
  studio.add("posterior", canvas, script + "unset multiplot\n", 300);
  report.files = studio.draw(*gnuplot, folder, report.warnings);
  return report;
}

}  // namespace riffle
