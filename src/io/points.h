#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace riffle {

/// Points of R^dim, all of them finite.
struct Points {
  std::size_t dim = 0;
  bool has_names = false;          ///< whether the names are those of the file
  std::vector<std::string> names;  ///< of the coordinates: those of the file, or z.1 ... z.D
  std::vector<double> values;      ///< row-major [n][dim]

  std::size_t count() const { return dim == 0 ? 0 : values.size() / dim; }
};

/// Which columns of a file are coordinates.
struct PointsColumns {
  /// The only ones that are looked at, in this order; all where it is empty. Of a file without
  /// names their numbers, from 1.
  std::vector<std::string> chosen = {};
  /// Names of the coordinates, in their order: those of a file that has names are found by them,
  /// where Stan's a.1.2 is also a[1,2]. Where this is empty the columns are taken as they come.
  std::vector<std::string> wanted = {};
  /// Whether a file with other names is refused; where not, its columns are taken as they come.
  bool by_name_only = true;
};

/// Reads points from a file: a NumPy .npy array of one dimension (points of R) or two (one row for
/// each point), or else a table (io/table.h), with one line of names above the numbers or none.
/// Columns whose names end in "__", such as lp_approx__, are no coordinates unless they are chosen.
///
/// Throws Error{data} for what is neither, for a column without a name or with that of another, for
/// names that are wanted or chosen and not there, and for a number that is missing or not finite,
/// naming its row (of numbers, from 1) and its column; and as read_file does.
Points read_points(const std::filesystem::path& path, const PointsColumns& columns = {});

/// Throws Error{data}, naming row and column, for a number whose square is no double.
void refuse_too_large(const Points& points, const std::filesystem::path& path);

}  // namespace riffle
