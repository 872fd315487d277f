#include "io/points.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "io/csv.h"
#include "io/files.h"
#include "io/npy.h"
#include "riffle/error.h"

namespace riffle {
namespace {

std::vector<std::string> default_names(std::size_t dim) {
  std::vector<std::string> names;
  for (std::size_t d = 1; d <= dim; ++d) names.push_back(fmt::format("z.{}", d));
  return names;
}

Points from_npy(std::string_view bytes, const std::string& origin) {
  auto array = parse_npy(bytes, origin);
  const auto rank = array.shape.size();
  if (rank != 1 && rank != 2) {
    throw Error(ErrorKind::data,
                fmt::format("{}: the array has {} dimensions; points are an array of two, one row "
                            "for each, or of one, points of R",
                            origin, rank));
  }
  const std::size_t dim = rank == 1 ? 1 : array.shape[1];
  if (dim == 0) throw Error(ErrorKind::data, fmt::format("{}: the rows are empty", origin));
  return {dim, default_names(dim), std::move(array.values)};
}

Points from_csv(std::string_view text, const std::string& origin) {
  auto table = parse_csv(text, origin, CsvNames::optional);
  if (table.header.empty()) throw Error(ErrorKind::data, fmt::format("{} is empty", origin));
  Points points;
  std::vector<std::size_t> columns;
  for (std::size_t column = 0; column < table.header.size(); ++column) {
    if (table.header[column].ends_with("__")) continue;
    columns.push_back(column);
    points.names.push_back(table.header[column]);
  }
  points.dim = columns.size();
  if (points.dim == 0) {
    throw Error(ErrorKind::data,
                fmt::format("{}: no column is a coordinate: all names end in __", origin));
  }
  if (!table.has_names) points.names = default_names(points.dim);
  if (points.dim == table.header.size()) {
    points.values = std::move(table.values);
    return points;
  }
  points.values.reserve(table.rows() * points.dim);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (const auto column : columns) points.values.push_back(table.at(row, column));
  }
  return points;
}

}  // namespace

Points read_points(const std::filesystem::path& path) {
  const auto content = read_file(path);
  const auto origin = path.string();
  auto points = is_npy(content) || path.extension() == ".npy" ? from_npy(content, origin)
                                                              : from_csv(content, origin);
  for (std::size_t i = 0; i < points.values.size(); ++i) {
    if (std::isfinite(points.values[i])) continue;
    throw Error(ErrorKind::data,
                fmt::format("{}: row {}, column {}: {} is not a finite number", origin,
                            i / points.dim + 1, points.names[i % points.dim], points.values[i]));
  }
  return points;
}

}  // namespace riffle
