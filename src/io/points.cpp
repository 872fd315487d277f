#include "io/points.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "core/names.h"
#include "io/files.h"
#include "io/npy.h"
#include "io/plain_text.h"
#include "io/table.h"
#include "riffle/error.h"

namespace riffle {
namespace {

using Indices = std::vector<std::size_t>;

std::vector<std::string> default_names(std::size_t dim) {
  std::vector<std::string> names;
  for (std::size_t d = 1; d <= dim; ++d) names.push_back(fmt::format("z.{}", d));
  return names;
}

/// a[1,2] as a.1.2.
std::string as_stan_names_it(std::string_view name) {
  const auto bracket = name.find('[');
  if (bracket == std::string_view::npos || !name.ends_with(']')) return std::string(name);
  std::string all(name.substr(0, name.size() - 1));
  std::replace(all.begin() + static_cast<std::ptrdiff_t>(bracket), all.end(), '[', '.');
  std::replace(all.begin() + static_cast<std::ptrdiff_t>(bracket), all.end(), ',', '.');
  return all;
}

std::string quoted(std::span<const std::string> names) {
  constexpr std::size_t most = 5;
  std::string all;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) {
    all += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", shown(names[i]));
  }
  if (names.size() > most) all += fmt::format(" and {} more", names.size() - most);
  return all;
}

/// Finds the columns of one file that are coordinates.
class Selection {
 public:
  Selection(const PointsColumns& columns, const std::string& origin)
      : columns_(columns), origin_(origin) {}

  Indices operator()(const TableHeader& header) const {
    return header.has_names ? by_name(header.names) : by_number(header.names.size());
  }

  Indices by_number(std::size_t size) const {
    Indices all(size);
    std::iota(all.begin(), all.end(), std::size_t{0});
    if (columns_.chosen.empty()) return all;
    Indices chosen;
    for (const auto& text : columns_.chosen) {
      std::size_t number = 0;
      const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || stop != text.data() + text.size() || number == 0 ||
          number > size) {
        throw bad(
            fmt::format("the columns have no names: choose them by numbers from 1 to {}, not "
                        "by \"{}\"",
                        size, shown(text)));
      }
      chosen.push_back(number - 1);
      refuse_twice(chosen, text);
    }
    return chosen;
  }

 private:
  Error bad(const std::string& why) const {
    return {ErrorKind::data, fmt::format("{}: {}", origin_, why)};
  }

  void refuse_twice(const Indices& chosen, const std::string& name) const {
    if (std::count(chosen.begin(), chosen.end(), chosen.back()) > 1) {
      throw bad(fmt::format("the column \"{}\" is chosen twice", shown(name)));
    }
  }

  Indices by_name(const std::vector<std::string>& names) const {
    const auto candidates = candidates_among(names);
    if (!columns_.wanted.empty()) {
      auto found = wanted_among(names, candidates);
      if (found) return *found;
    }
    if (columns_.chosen.empty()) check_names(names, candidates);
    return candidates;
  }

  Indices candidates_among(const std::vector<std::string>& names) const {
    Indices all;
    if (!columns_.chosen.empty()) {
      for (const auto& name : columns_.chosen) {
        if (name == "lp_approx__") throw bad("lp_approx__ is the name of ln q: choose others");
        all.push_back(only(names, name));
        refuse_twice(all, name);
      }
      return all;
    }
    for (std::size_t c = 0; c < names.size(); ++c) {
      if (!names[c].ends_with("__")) all.push_back(c);
    }
    if (all.empty()) throw bad("no column is a coordinate: all names end in __");
    return all;
  }

  /// The column of that name, of which there must be one.
  std::size_t only(const std::vector<std::string>& names, const std::string& name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const std::vector<std::string_view> all(names.begin(), names.end());
      throw bad(unknown_name_message("column", shown(name), all));
    }
    if (std::count(names.begin(), names.end(), name) > 1) throw bad(named_twice(name));
    return static_cast<std::size_t>(found - names.begin());
  }

  static std::string named_twice(const std::string& name) {
    return fmt::format("two columns are named \"{}\": give each a name of its own", shown(name));
  }

  void check_names(const std::vector<std::string>& names, const Indices& candidates) const {
    for (const auto c : candidates) {
      // What pandas calls a column that had no name.
      if (names[c].empty() || names[c] == "Unnamed: 0") {
        throw bad(
            fmt::format("column {} has no name: an index that was saved along? Leave it out "
                        "of the table, or choose the coordinates by --columns",
                        c + 1));
      }
      for (const auto other : candidates) {
        if (other < c && names[other] == names[c]) throw bad(named_twice(names[c]));
      }
    }
  }

  /// Nothing where they are not all there and the columns may be taken as they come.
  std::optional<Indices> wanted_among(const std::vector<std::string>& names,
                                      const Indices& candidates) const {
    Indices found;
    std::vector<std::string> missing;
    for (const auto& wanted : columns_.wanted) {
      Indices same;
      for (const auto c : candidates) {
        if (names[c] == wanted) same.push_back(c);
      }
      for (const auto c : candidates) {
        if (same.empty() && as_stan_names_it(names[c]) == wanted) same.push_back(c);
      }
      if (same.size() > 1) throw bad(named_twice(wanted));
      if (same.empty()) {
        missing.push_back(wanted);
      } else {
        found.push_back(same.front());
      }
    }
    if (missing.empty()) return found;
    if (!columns_.by_name_only) return std::nullopt;
    std::vector<std::string> there;
    for (const auto c : candidates) there.push_back(names[c]);
    throw bad(fmt::format("no column {} {}, which the fit has; the table has {}",
                          missing.size() == 1 ? "is named" : "is named any of", quoted(missing),
                          quoted(there)));
  }

  const PointsColumns& columns_;
  const std::string& origin_;
};

Points from_npy(std::string_view bytes, const std::string& origin, const Selection& select) {
  auto array = parse_npy(bytes, origin);
  const auto rank = array.shape.size();
  if (rank != 1 && rank != 2) {
    throw Error(ErrorKind::data,
                fmt::format("{}: the array has {} dimensions; points are an array of two, one row "
                            "for each, or of one, points of R",
                            origin, rank));
  }
  const std::size_t width = rank == 1 ? 1 : array.shape[1];
  if (width == 0) throw Error(ErrorKind::data, fmt::format("{}: the rows are empty", origin));
  const auto columns = select.by_number(width);
  Points points{columns.size(), false, default_names(columns.size()), {}};
  for (std::size_t row = 0; row < array.values.size() / width; ++row) {
    for (const auto c : columns) {
      const double value = array.values[row * width + c];
      if (!std::isfinite(value)) {
        throw Error(
            ErrorKind::data,
            fmt::format("{}: row {}, column {}: {} {}; leave its row out, or its column", origin,
                        row + 1, c + 1, value,
                        std::isnan(value) ? "is a missing value" : "is not a finite number"));
      }
      points.values.push_back(value);
    }
  }
  return points;
}

Points from_table(std::string_view bytes, const std::string& origin, const Selection& select) {
  auto table = parse_table(bytes, origin, select);
  if (table.header.empty()) throw Error(ErrorKind::data, fmt::format("{} is empty", origin));
  Points points{table.header.size(), table.has_names, std::move(table.header),
                std::move(table.values)};
  if (!points.has_names) points.names = default_names(points.dim);
  return points;
}

}  // namespace

Points read_points(const std::filesystem::path& path, const PointsColumns& columns) {
  const auto content = read_file(path);
  const auto origin = path.string();
  const Selection select(columns, origin);
  return is_npy(content) || path.extension() == ".npy" ? from_npy(content, origin, select)
                                                       : from_table(content, origin, select);
}

void refuse_too_large(const Points& points, const std::filesystem::path& path) {
  constexpr double largest = 1e153;  // sums of squares of many of them are doubles
  for (std::size_t i = 0; i < points.values.size(); ++i) {
    if (std::abs(points.values[i]) <= largest) continue;
    const auto column = i % points.dim;
    throw Error(
        ErrorKind::data,
        fmt::format("{}: row {}, column {}: {} is too large: fits take numbers up to {:g}; "
                    "divide the column by a power of 10",
                    path.string(), i / points.dim + 1,
                    points.has_names ? shown(points.names[column]) : std::to_string(column + 1),
                    points.values[i], largest));
  }
}

}  // namespace riffle
