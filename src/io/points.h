#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace riffle {

/// Points of R^dim, all of them finite.
struct Points {
  std::size_t dim = 0;
  std::vector<std::string> names;  ///< of the coordinates: those of the file, or z.1 ... z.D
  std::vector<double> values;      ///< row-major [n][dim]

  std::size_t count() const { return dim == 0 ? 0 : values.size() / dim; }
};

/// Reads points from a file: a NumPy .npy array of one dimension (points of R) or two (one row for
/// each point), or else a CSV table, with one line of names above the numbers or none. Columns of a
/// table whose names end in "__", such as lp_approx__, are no coordinates and are left out.
///
/// Throws Error{data} for what is neither, and for a number that is not finite, naming its row (of
/// numbers, from 1) and its column; and as read_file does.
Points read_points(const std::filesystem::path& path);

}  // namespace riffle
