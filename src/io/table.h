#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "io/csv.h"

namespace riffle {

/// The first line of a table.
struct TableHeader {
  std::vector<std::string> names;  ///< one for each column; empty ones where there are no names
  bool has_names = false;
};

/// Which columns are read, and in which order. What is in the others is not looked at.
using ChooseColumns = std::function<std::vector<std::size_t>(const TableHeader&)>;

/// Reads a table of finite numbers as people and programs write them, from a text that messages
/// call `origin`. Cells are separated by commas, semicolons, tabs or, where there are none of
/// these, by blanks; blanks around them do not count, and double quotes keep what is between them
/// together. Lines end as on any system. Blank lines, and lines that begin with '#', are passed
/// over. Numbers may have a plus sign, Fortran's D for their exponent and, where commas separate
/// nothing, a decimal comma. A first line of nothing but numbers is the first row, unless only its
/// cells are in quotes: these are names.
///
/// The table has the columns that are chosen, or all. Throws Error{data}, naming line, row and
/// column and the way out, for cells that are no numbers, missing or too large, for lines that are
/// too short or long, for a first line that may be names as well as numbers or is some of both, and
/// as plain_text does.
CsvTable parse_table(std::string_view bytes, std::string_view origin,
                     const ChooseColumns& choose = {});

/// Reads such a table from a file. Throws also as read_file does.
CsvTable read_table(const std::filesystem::path& path);

}  // namespace riffle
