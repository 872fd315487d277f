#pragma once

#include <filesystem>

#include "io/csv.h"

namespace riffle {

/// Reads a table of finite numbers from a file: cells are separated by commas or, where there is no
/// comma, by blanks; a line of names above is optional, and blank lines at the end are passed over.
/// Throws Error{data} naming the line that is not numbers or too short or long, or the first number
/// that is not finite, and as read_file does.
CsvTable read_table(const std::filesystem::path& path);

}  // namespace riffle
