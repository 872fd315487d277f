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

/// The same lines with one comma between cells and no blanks, without empty lines at the end.
std::string with_commas(std::string_view text, bool has_commas) {
  std::string all;
  bool gap = false;   // blanks since the last character that was kept
  bool start = true;  // of a line
  for (const char c : text) {
    if (is_blank(c)) {
      gap = true;
      continue;
    }
    if (c != '\n' && gap && !start && !has_commas) all += ',';
    gap = false;
    start = c == '\n';
    all += c;
  }
  while (all.ends_with("\n\n")) all.pop_back();
  return all;
}

}  // namespace

CsvTable read_table(const std::filesystem::path& path) {
  const auto text = read_file(path);
  const bool has_commas = text.find(',') != std::string::npos;
  auto table = parse_csv(with_commas(text, has_commas), path.string(), CsvNames::optional);
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
