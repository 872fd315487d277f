#include "io/csv.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <string_view>

#include "io/files.h"
#include "riffle/error.h"

namespace riffle {
namespace {

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> cells;
  while (true) {
    const auto comma = line.find(',');
    cells.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

}  // namespace

CsvText::CsvText(std::span<const std::string> header) {
  for (const auto& name : header) {
    separate();
    text_ += name;
  }
  end_row();
}

void CsvText::separate() {
  if (row_started_) text_ += ',';
  row_started_ = true;
}

void CsvText::add(double value) {
  separate();
  fmt::format_to(std::back_inserter(text_), "{}", value);
}

void CsvText::add(float value) {
  separate();
  fmt::format_to(std::back_inserter(text_), "{}", value);
}

void CsvText::add(std::uint64_t value) {
  separate();
  fmt::format_to(std::back_inserter(text_), "{}", value);
}

void CsvText::end_row() {
  text_ += '\n';
  row_started_ = false;
}

CsvTable read_csv(const std::filesystem::path& path) {
  const auto text = read_file(path);
  CsvTable table;
  std::size_t line_number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    ++line_number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto cells = split(line);
    if (table.header.empty()) {
      table.header.assign(cells.begin(), cells.end());
      continue;
    }
    const auto bad = [&](const std::string& why) {
      return Error(ErrorKind::data, fmt::format("{}:{}: {}", path.string(), line_number, why));
    };
    if (cells.size() != table.header.size()) {
      throw bad(fmt::format("{} cells under {} names", cells.size(), table.header.size()));
    }
    for (const auto cell : cells) {
      double value = 0;
      const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
      if (error != std::errc() || stop != cell.data() + cell.size()) {
        throw bad(fmt::format("\"{}\" is not a number", cell.substr(0, 40)));
      }
      table.values.push_back(value);
    }
  }
  return table;
}

}  // namespace riffle
