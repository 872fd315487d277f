#include "io/points.h"

#include "io/csv.h"

namespace riffle {

Points read_points(const std::filesystem::path& path) {
  const auto table = read_csv(path);
  Points points;
  std::vector<std::size_t> columns;
  for (std::size_t c = 0; c < table.header.size(); ++c) {
    if (table.header[c].ends_with("__")) continue;
    columns.push_back(c);
    points.names.push_back(table.header[c]);
  }
  points.dim = columns.size();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (const auto c : columns) points.values.push_back(table.at(row, c));
  }
  return points;
}

}  // namespace riffle
