#include "io/table.h"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>

#include "io/files.h"
#include "riffle/error.h"

namespace riffle {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/// The same lines with one comma between cells and no blanks around them, without empty lines at
/// the end. Blanks within a cell stay, as one: they must not make 34 of "3 4".
std::string with_commas(std::string_view text) {
  const char separator = text.find(',') == std::string_view::npos ? ',' : ' ';
  std::string all;
  bool gap = false;  // blanks since the last character that was kept
  for (const char c : text) {
    if (is_blank(c)) {
      gap = true;
      continue;
    }
    const bool inside = !all.empty() && all.back() != '\n' && all.back() != ',';
    if (gap && inside && c != '\n' && c != ',') all += separator;
    gap = false;
    all += c;
  }
  while (all.ends_with("\n\n")) all.pop_back();
  return all;
}

}  // namespace

CsvTable read_table(const std::filesystem::path& path) {
  auto table = parse_csv(with_commas(read_file(path)), path.string(), CsvNames::optional);
  for (std::size_t i = 0; i < table.values.size(); ++i) {
    if (!std::isfinite(table.values[i])) {
      throw Error(ErrorKind::data, fmt::format("{}: row {}, column {} is {}, which is not finite",
                                               path.string(), i / table.header.size() + 1,
                                               i % table.header.size() + 1, table.values[i]));
    }
  }
  return table;
}

}  // namespace riffle
