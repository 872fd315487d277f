#include "io/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string_view>

#include "io/files.h"
#include "riffle/error.h"

namespace riffle {
namespace {

std::optional<double> number(std::string_view cell) {
  double value = 0;
  const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || stop != cell.data() + cell.size()) return std::nullopt;
  return value;
}

}  // namespace

std::vector<std::string> split_csv_line(std::string_view line) {
  std::vector<std::string> cells(1);
  bool in_quotes = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && in_quotes && i + 1 < line.size() && line[i + 1] == '"') {
      cells.back() += line[i++];
    } else if (line[i] == '"') {
      in_quotes = !in_quotes;
    } else if (line[i] == ',' && !in_quotes) {
      cells.emplace_back();
    } else {
      cells.back() += line[i];
    }
  }
  return cells;
}

CsvText::CsvText(std::span<const std::string> header) {
  for (const auto& name : header) add(std::string_view(name));
  end_row();
}

void CsvText::separate() {
  if (row_started_) text_ += ',';
  row_started_ = true;
}

void CsvText::add(std::string_view text) {
  separate();
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    text_ += text;
    return;
  }
  text_ += '"';
  for (const char c : text) {
    if (c == '"') text_ += '"';
    text_ += c;
  }
  text_ += '"';
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

CsvTable parse_csv(std::string_view text, std::string_view origin, CsvNames names, char comment) {
  CsvTable table;
  std::size_t line_number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    ++line_number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (comment != 0 && line.starts_with(comment)) continue;
    const auto cells = split_csv_line(line);
    const auto bad = [&](const std::string& why) {
      return Error(ErrorKind::data, fmt::format("{}:{}: {}", origin, line_number, why));
    };
    if (table.header.empty()) {
      const auto numbers = std::count_if(cells.begin(), cells.end(),
                                         [](const auto& cell) { return number(cell).has_value(); });
      table.has_names = names == CsvNames::required || numbers == 0;
      if (table.has_names) {
        table.header.assign(cells.begin(), cells.end());
        continue;
      }
      if (static_cast<std::size_t>(numbers) != cells.size()) {
        throw bad("neither names nor numbers, but some of both");
      }
      table.header.resize(cells.size());
    }
    if (cells.size() != table.header.size()) {
      throw bad(fmt::format("{} cells {} {} {}", cells.size(), table.has_names ? "under" : "after",
                            table.header.size(), table.has_names ? "names" : "in the first line"));
    }
    for (const auto& cell : cells) {
      const auto value = number(cell);
      if (!value) throw bad(fmt::format("\"{}\" is not a number", cell.substr(0, 40)));
      table.values.push_back(*value);
    }
  }
  return table;
}

CsvTable read_csv(const std::filesystem::path& path) {
  return parse_csv(read_file(path), path.string(), CsvNames::required);
}

}  // namespace riffle
