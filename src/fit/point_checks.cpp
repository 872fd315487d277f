#include "fit/point_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::size_t most_named = 5;

/// How to go on with the columns that are not among `left_out`.
std::string way_out(const Points& points, std::span<const std::size_t> left_out) {
  std::vector<std::string> others;
  for (std::size_t d = 0; d < points.dim; ++d) {
    if (std::ranges::find(left_out, d) == left_out.end()) others.push_back(points.names[d]);
  }
  return others.size() <= most_named
             ? fmt::format("leave it out, by --columns {}", fmt::join(others, ","))
             : std::string("leave it out, by --columns");
}

void refuse_constant(const Spec& spec, const Points& points, std::span<const Spread> spreads) {
  std::vector<std::size_t> constant;
  for (std::size_t d = 0; d < points.dim; ++d) {
    if (spreads[d].spread == 0) constant.push_back(d);
  }
  if (constant.empty()) return;
  const auto& file = spec.target.samples;
  if (constant.size() == points.dim) {
    throw Error(
        ErrorKind::data,
        points.count() == 1
            ? fmt::format("{} holds one point, which tells no density: give it more rows", file)
            : fmt::format("{}: all {} rows are alike (column {} is {:g} in each), and have "
                          "no density",
                          file, points.count(), points.names[0], points.values[0]));
  }
  const auto first = constant.front();
  const auto more =
      constant.size() == 1 ? std::string() : fmt::format(" (so are {} more)", constant.size() - 1);
  throw Error(
      ErrorKind::data,
      fmt::format("{}: column {} is {:g} in every row{}, and a constant has no density: {}", file,
                  points.names[first], points.values[first], more, way_out(points, constant)));
}

/// Refuses a column that is made of others, to rounding, and warns of one that nearly is.
void check_collinear(const Spec& spec, const Points& points, std::vector<std::string>& warnings) {
  constexpr double rounding = 1e-7;
  constexpr double little = 1e-3;
  constexpr double most_work = 4e9;
  const auto dim = static_cast<double>(points.dim);
  if (points.count() < points.dim + 2 ||
      static_cast<double>(points.values.size()) * dim > most_work) {
    return;
  }
  const auto least = least_remainder(points.values, points.dim);
  if (least.share >= little) return;
  std::vector<std::string> of;
  for (const auto d : least.of) of.push_back(points.names[d]);
  const auto relation = fmt::format(
      "column {} {} {}", points.names[least.column],
      of.size() == 1 ? "follows column" : "is a linear combination of", fmt::join(of, ", "));
  const std::size_t left_out[] = {least.column};
  if (least.share < rounding) {
    throw Error(ErrorKind::data,
                fmt::format("{}: {}, with nothing left over, so that the points have no density in "
                            "all their columns: {}",
                            spec.target.samples, relation, way_out(points, left_out)));
  }
  warnings.push_back(fmt::format(
      "{} to {:.1g} of its spread (condition number {:.0g}): the points nearly have no density in "
      "all their columns, and ln q is mostly about what is left over; {}",
      relation, least.share, 1 / (least.share * least.share), way_out(points, left_out)));
}

void refuse_for_precision(const Spec& spec, const Points& points, std::span<const Spread> spreads) {
  if (spec.run.precision != Precision::float32) return;
  constexpr double most = 1e30;
  constexpr double most_offset = 1e4;  // spreads; a float then has 600 steps in each
  for (std::size_t d = 0; d < points.dim; ++d) {
    const auto [centre, spread] = spreads[d];
    const double offset = std::abs(centre) / spread;
    if (spread < 1 / most || spread > most || offset > most_offset) {
      throw Error(ErrorKind::usage,
                  fmt::format("run.precision is float, which cannot hold column {} of {}: numbers "
                              "about {:.4g} with a spread of {:.2g}; take --precision double{}",
                              points.names[d], spec.target.samples, centre, spread,
                              offset > most_offset ? fmt::format(", or subtract {:.6g}", centre)
                                                   : std::string()));
    }
  }
}

void warn_of_far_off(const Points& points, std::span<const FarOff> far,
                     std::vector<std::string>& warnings) {
  if (far.empty()) return;
  std::vector<std::string> named;
  for (const auto& cell : far.first(std::min(far.size(), most_named))) {
    named.push_back(fmt::format("row {}, column {}: {:g} ({:.2g} spreads off)", cell.row + 1,
                                points.names[cell.column], cell.value, cell.spreads));
  }
  warnings.push_back(fmt::format(
      "{} far off the rest of {}: {}{}; training gives them little weight, log_likelihood leaves "
      "their rows out; where they are errors, mend them or leave the rows out",
      far.size() == 1 ? "one number lies" : fmt::format("{} numbers lie", far.size()),
      far.size() == 1 ? "its column" : "their columns", fmt::join(named, "; "),
      far.size() > most_named ? fmt::format("; and {} more", far.size() - most_named) : ""));
}

/// Codes, such as -999 for a missing value: one number far off that stands in several rows.
void warn_of_codes(const Points& points, std::span<const Spread> spreads,
                   std::vector<std::string>& warnings) {
  constexpr double near = 10;
  constexpr std::size_t fewest = 3;
  std::vector<double> beyond;
  for (std::size_t d = 0; d < points.dim; ++d) {
    beyond.clear();
    for (std::size_t i = d; i < points.values.size(); i += points.dim) {
      const double x = points.values[i];
      if (std::abs((x - spreads[d].centre) / spreads[d].spread) > near) beyond.push_back(x);
    }
    const auto found = commonest(beyond, 1, 0);
    // Of numbers that have a density no three are alike, unless they are few and rounded.
    if (found.rows < fewest || 2 * found.rows < beyond.size()) continue;
    warnings.push_back(fmt::format(
        "column {} is {:g} in {} rows, {:.2g} spreads off: where that is a code for a missing "
        "value, leave these rows out",
        points.names[d], found.value, found.rows,
        std::abs((found.value - spreads[d].centre) / spreads[d].spread)));
    if (warnings.size() >= most_named) return;
  }
}

/// Where many rows share a value there is no density.
void warn_of_repeated(const Points& points, std::vector<std::string>& warnings) {
  constexpr std::size_t fewest_rows = 20;
  constexpr double much = 0.2;
  const std::size_t n = points.count();
  if (n < fewest_rows) return;
  std::vector<std::string> named;
  std::size_t columns = 0;
  for (std::size_t d = 0; d < points.dim; ++d) {
    const auto found = commonest(points.values, points.dim, d);
    if (static_cast<double>(found.rows) < much * static_cast<double>(n)) continue;
    if (++columns <= most_named) {
      named.push_back(fmt::format("{} in {} of {} rows of column {}", found.value, found.rows, n,
                                  points.names[d]));
    }
  }
  if (columns == 0) return;
  warnings.push_back(fmt::format(
      "a value that stands in many rows has no density, and ln q of these rows grows with the "
      "training, however long that is: {}{}; where the values are rounded, add noise as wide as a "
      "step",
      fmt::join(named, "; "),
      columns > most_named ? fmt::format("; and in {} more columns", columns - most_named) : ""));
}

}  // namespace

std::vector<std::string> check_points(const Spec& spec, const Points& points,
                                      std::span<const Spread> spreads,
                                      std::span<const FarOff> far) {
  refuse_constant(spec, points, spreads);
  refuse_for_precision(spec, points, spreads);
  constexpr double beyond_reach = 1e20;
  if (!far.empty() && far.front().spreads > beyond_reach) {
    const auto& cell = far.front();
    throw Error(ErrorKind::data,
                fmt::format("{}: row {}, column {}: {:g} is {:.1g} times the column's spread away "
                            "from the rest, too far for any fit: mend it, or leave the row out",
                            spec.target.samples, cell.row + 1, points.names[cell.column],
                            cell.value, cell.spreads));
  }
  std::vector<std::string> warnings;
  check_collinear(spec, points, warnings);
  warn_of_far_off(points, far, warnings);
  warn_of_codes(points, spreads, warnings);
  warn_of_repeated(points, warnings);
  const std::size_t few = 5 * points.dim;
  if (points.count() < std::max<std::size_t>(10, few)) {
    warnings.push_back(fmt::format("{} point{} in {} dimension{} tell little of a density",
                                   points.count(), points.count() == 1 ? "" : "s", points.dim,
                                   points.dim == 1 ? "" : "s"));
  }
  return warnings;
}

}  // namespace riffle
