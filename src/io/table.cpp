#include "io/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include "io/files.h"
#include "io/number.h"
#include "io/plain_text.h"
#include "riffle/error.h"

namespace riffle {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Whether a comment begins here, and not one of the errors that spreadsheets have for values.
bool is_comment(std::string_view text) {
  if (!text.starts_with('#')) return false;
  constexpr std::string_view errors[] = {"#N/A",  "#VALUE!", "#DIV/0!", "#REF!",
                                         "#NUM!", "#NAME?",  "#NULL!",  "#NA"};
  return std::none_of(std::begin(errors), std::end(errors),
                      [&](std::string_view e) { return text.starts_with(e); });
}

struct Line {
  std::size_t number;  ///< from 1
  std::string_view text;
};

/// Takes the next line from a text whose lines end in LF, CR LF or CR; without its blanks.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<Line> next() {
    if (rest_.empty()) return std::nullopt;
    const auto end = std::min(rest_.find_first_of("\r\n"), rest_.size());
    const auto text = rest_.substr(0, end);
    rest_.remove_prefix(end);
    rest_.remove_prefix(rest_.starts_with("\r\n") ? 2 : rest_.empty() ? 0 : 1);
    return Line{++number_, trimmed(text)};
  }

  /// The next one that is neither blank nor a comment. `blank` is the number of the first blank
  /// line before it, or 0.
  std::optional<Line> next_row(std::size_t& blank) {
    blank = 0;
    while (const auto line = next()) {
      if (line->text.empty()) {
        if (blank == 0) blank = line->number;
      } else if (!is_comment(line->text)) {
        return line;
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

struct Cell {
  std::string text;
  bool quoted = false;
};

enum class Separator : char { none = 0, comma = ',', semicolon = ';', tab = '\t', blanks = ' ' };

/// The cells of a line, without blanks and quotes around them. `open` tells whether a quotation
/// mark has no other.
void split(std::string_view line, Separator separator, std::vector<Cell>& cells, bool& open) {
  cells.clear();
  open = false;
  const auto separates = [&](char c) {
    return separator == Separator::blanks ? is_blank(c) : c == static_cast<char>(separator);
  };
  std::size_t at = 0;
  const auto skip_blanks = [&] {
    while (at < line.size() && is_blank(line[at]) &&
           (separator == Separator::blanks || !separates(line[at])))
      ++at;
  };
  skip_blanks();
  while (true) {
    Cell cell;
    if (at < line.size() && line[at] == '"') {
      cell.quoted = true;
      for (++at; at < line.size(); ++at) {
        if (line[at] != '"') {
          cell.text += line[at];
        } else if (at + 1 < line.size() && line[at + 1] == '"') {
          cell.text += line[at++];
        } else {
          break;
        }
      }
      open = open || at == line.size();
      at = std::min(at + 1, line.size());
    }
    const auto begin = at;
    while (at < line.size() && !separates(line[at])) ++at;
    cell.text += trimmed(line.substr(begin, at - begin));
    if (cell.quoted) cell.text = std::string(trimmed(cell.text));
    cells.push_back(std::move(cell));
    if (at == line.size()) return;
    ++at;
    skip_blanks();
  }
}

std::vector<Cell> cells_of(std::string_view line, Separator separator) {
  std::vector<Cell> cells;
  bool open = false;
  split(line, separator, cells, open);
  return cells;
}

/// Whether tabs of the line are no more than blanks beside commas.
bool tabs_are_beside_commas(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\t') continue;
    auto before = trimmed(line.substr(0, i));
    auto after = trimmed(line.substr(i + 1));
    if (!before.ends_with(',') && !after.starts_with(',')) return false;
  }
  return true;
}

/// A comment behind numbers: no number has this sign.
std::string_view without_comment(std::string_view line) {
  for (std::size_t i = line.find('#'); i != std::string_view::npos; i = line.find('#', i + 1)) {
    if (is_comment(line.substr(i))) return trimmed(line.substr(0, i));
  }
  return line;
}

bool all_numbers(const std::vector<Cell>& cells, bool decimal_comma) {
  return std::all_of(cells.begin(), cells.end(),
                     [&](const Cell& c) { return number_of(c.text, decimal_comma).has_value(); });
}

bool may_have_decimal_commas(Separator separator) {
  return separator == Separator::semicolon || separator == Separator::tab;
}

/// That of the first line and of the one after it, as far as they agree.
Separator separator_of(std::string_view first, std::optional<std::string_view> second) {
  constexpr Separator all[] = {Separator::semicolon, Separator::tab, Separator::comma,
                               Separator::blanks};
  const auto possible = [&](Separator s) {
    return s != Separator::tab ||
           !(tabs_are_beside_commas(first) && (!second || tabs_are_beside_commas(*second)));
  };
  for (const auto s : all) {
    if (!possible(s)) continue;
    const auto n = cells_of(first, s).size();
    if (n > 1 && (!second || cells_of(*second, s).size() == n)) return s;
  }
  // One name of several words above one column.
  if (second && number_of(*second, false) &&
      first.find_first_of(",;\t") == std::string_view::npos &&
      !all_numbers(cells_of(without_comment(first), Separator::blanks), false)) {
    return Separator::none;
  }
  for (const auto s : all) {
    if (possible(s) && cells_of(first, s).size() > 1) return s;
  }
  for (const auto s : all) {
    if (possible(s) && second && cells_of(*second, s).size() > 1) return s;
  }
  return Separator::none;
}

/// Whether whole numbers stand above numbers that are written with more than digits everywhere, and
/// are counted up one by one: names, most likely, but who knows.
class NumericNames {
 public:
  explicit NumericNames(const std::vector<Cell>& first) {
    double last = 0;
    for (std::size_t c = 0; c < first.size(); ++c) {
      const auto& text = first[c].text;
      const bool whole = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
      const double value = whole ? *number_of(text, false) : 0;
      possible_ = possible_ && whole && (c == 0 || value == last + 1);
      last = value;
    }
    // One number alone is counted up to nothing; programs name the first column 0.
    if (first.size() == 1) possible_ = possible_ && first[0].text == "0";
  }

  void add(const std::vector<Cell>& row) {
    ++rows_;
    possible_ = possible_ && std::none_of(row.begin(), row.end(), [](const Cell& c) {
                  return c.text.find_first_of(".,eEdD") == std::string::npos;
                });
  }

  bool possible() const { return possible_; }
  bool likely() const { return possible_ && rows_ >= 2; }

 private:
  bool possible_ = true;
  std::size_t rows_ = 0;
};

class TableReader {
 public:
  TableReader(std::string_view text, std::string_view origin, const ChooseColumns& choose)
      : origin_(origin), choose_(choose), lines_(text) {
    std::size_t blank = 0;
    const auto first = lines_.next_row(blank);
    if (!first) return;
    auto ahead = lines_;
    const auto second = ahead.next_row(blank);
    separator_ = separator_of(first->text,
                              second ? std::optional(without_comment(second->text)) : std::nullopt);
    take_first(*first, second);
  }

  CsvTable read() {
    std::vector<Cell> cells;
    std::size_t blank = 0;
    while (const auto line = lines_.next_row(blank)) {
      // In one column it may be a value that is missing.
      if (blank != 0 && header_.names.size() == 1 && row_ > 0) {
        throw bad(blank,
                  "a blank line among the numbers of one column: is a value missing? leave "
                  "the line out");
      }
      bool open = false;
      split(line->text, separator_, cells, open);
      // The sign may stand in words that nobody reads.
      if (cells.size() != header_.names.size() ||
          cells.back().text.find('#') != std::string::npos) {
        split(without_comment(line->text), separator_, cells, open);
      }
      if (open) throw bad(line->number, "a quotation mark is not closed");
      drop_last_if_empty(cells);
      take_row(line->number, cells);
    }
    if (numeric_names_ && numeric_names_->likely()) {
      throw bad(first_line_,
                fmt::format("{}: names that are numbers, or a row? Put names into double quotes, "
                            "such as \"{}\"; write numbers as {}.0",
                            first_shown_, first_name_, first_name_));
    }
    return std::move(table_);
  }

 private:
  Error bad(std::size_t line, const std::string& why) const {
    return {ErrorKind::data, fmt::format("{}:{}: {}", origin_, line, why)};
  }

  void drop_last_if_empty(std::vector<Cell>& cells) const {
    if (separator_at_end_ && cells.size() > 1 && cells.back().text.empty()) cells.pop_back();
  }

  bool decimal_comma() const { return may_have_decimal_commas(separator_); }

  void take_first(const Line& line, const std::optional<Line>& second) {
    first_line_ = line.number;
    std::vector<Cell> cells;
    bool open = false;
    split(line.text, separator_, cells, open);
    if (open) throw bad(line.number, "a quotation mark is not closed");
    const auto is_quoted = [](const Cell& c) { return c.quoted; };
    const auto next =
        second ? cells_of(without_comment(second->text), separator_) : std::vector<Cell>();
    const bool only_names_quoted = std::all_of(cells.begin(), cells.end(), is_quoted) &&
                                   !(second && std::all_of(next.begin(), next.end(), is_quoted));
    auto numbers = cells_of(without_comment(line.text), separator_);
    // A separator behind the last cell of every line makes no column.
    const bool both = !next.empty() && next.size() > 1 && next.back().text.empty();
    separator_at_end_ = both && (next.size() == cells.size() + 1 ||
                                 (next.size() == cells.size() && cells.back().text.empty()));
    if (cells.size() == next.size()) drop_last_if_empty(cells);
    if (numbers.size() == next.size()) drop_last_if_empty(numbers);
    const auto counted =
        static_cast<std::size_t>(std::count_if(numbers.begin(), numbers.end(), [&](const Cell& c) {
          return number_of(c.text, decimal_comma()).has_value();
        }));
    const bool rest_missing = std::all_of(numbers.begin(), numbers.end(), [&](const Cell& c) {
      return is_missing(c.text) || number_of(c.text, decimal_comma());
    });
    first_shown_ = shown(line.text);
    if (!only_names_quoted && counted > 0 && rest_missing && !is_index_above_numbers(numbers)) {
      header_.names.resize(numbers.size());
      choose_columns();
      take_row(line.number, numbers);
      if (counted == numbers.size() && std::none_of(numbers.begin(), numbers.end(), is_quoted)) {
        numeric_names_.emplace(numbers);
        first_name_ = numbers.front().text;
      }
      return;
    }
    if (!only_names_quoted && counted > 0) {
      if (is_index_above_numbers(numbers)) {
        throw bad(line.number,
                  fmt::format("{}: the first column has no name: an index that was saved along? "
                              "Write the table without it, and names that are numbers in double "
                              "quotes",
                              first_shown_));
      }
      throw bad(line.number,
                fmt::format("neither names nor numbers, but some of both: {}; put names that are "
                            "numbers into double quotes, and leave out columns of words",
                            first_shown_));
    }
    header_.has_names = true;
    for (auto& cell : cells) {
      if (!is_utf8(cell.text)) {
        throw bad(line.number,
                  fmt::format("the name {} is not UTF-8: save the table as UTF-8, such "
                              "as by `iconv -f LATIN1 -t UTF-8`",
                              shown(cell.text)));
      }
      header_.names.push_back(std::move(cell.text));
    }
    choose_columns();
  }

  /// As pandas writes them: a first column without a name, and numbers for names.
  static bool is_index_above_numbers(const std::vector<Cell>& cells) {
    if (cells.size() < 2 || !cells[0].text.empty()) return false;
    return NumericNames({cells.begin() + 1, cells.end()}).possible();
  }

  void choose_columns() {
    if (choose_) {
      chosen_ = choose_(header_);
    } else {
      for (std::size_t c = 0; c < header_.names.size(); ++c) chosen_.push_back(c);
    }
    table_.has_names = header_.has_names;
    for (const auto c : chosen_) table_.header.push_back(header_.names[c]);
  }

  std::string column(std::size_t c) const {
    return header_.has_names && !header_.names[c].empty() ? shown(header_.names[c])
                                                          : std::to_string(c + 1);
  }

  void take_row(std::size_t line, const std::vector<Cell>& cells) {
    ++row_;
    if (cells.size() != header_.names.size()) throw of_another_length(line, cells);
    if (numeric_names_) numeric_names_->add(cells);
    for (const auto c : chosen_) {
      const auto& text = cells[c].text;
      const auto value = number_of(text, decimal_comma());
      if (value && std::isfinite(*value)) {
        note_decimal_sign(line, c, text);
        table_.values.push_back(*value);
        continue;
      }
      if (!value && !is_missing(text)) {
        throw bad(line, fmt::format("\"{}\" is not a number, in row {}, column {}{}", shown(text),
                                    row_, column(c), hint(text)));
      }
      const bool overflow = value && text.find_first_of("0123456789") != std::string::npos;
      const auto* const why = overflow                      ? "is too large"
                              : value && std::isinf(*value) ? "is not a finite number"
                                                            : "is a missing value";
      throw Error(ErrorKind::data,
                  fmt::format("{}: row {}, column {}: {} {} (line {}); {}", origin_, row_,
                              column(c), text.empty() ? "an empty cell" : shown(text), why, line,
                              overflow ? "divide the column by a power of 10"
                                       : "leave its row out, or its column"));
    }
  }

  Error of_another_length(std::size_t line, const std::vector<Cell>& cells) const {
    const auto wanted = header_.names.size();
    const auto n = cells.size();
    std::string why = fmt::format("{} cell{} {} {}", n, n == 1 ? "" : "s",
                                  header_.has_names ? "under" : "after", wanted);
    why += header_.has_names ? (wanted == 1 ? " name" : " names") : " in the first line";
    if (header_.has_names && n == wanted + 1) {
      if (cells.back().text.empty()) {
        why += ": a separator too many at the end";
      } else if (wanted > 1 || separator_ == Separator::blanks) {
        why += ": row names that were saved along? Write the table without them";
      }
    }
    if (separator_ == Separator::comma && n == 2 * wanted) {
      why += ": decimal commas? Write 1.5, or separate cells by semicolons";
    }
    return bad(line, why);
  }

  std::string hint(const std::string& text) const {
    if (number_of(text, true)) {
      return ": write decimal points, or separate cells by semicolons";
    }
    return choose_ ? "; choose the columns of numbers by --columns" : "";
  }

  /// Where both signs occur it is not known what 1,234 is.
  void note_decimal_sign(std::size_t line, std::size_t c, const std::string& text) {
    if (!decimal_comma()) return;
    has_comma_ = has_comma_ || text.find(',') != std::string::npos;
    has_point_ = has_point_ || text.find('.') != std::string::npos;
    if (has_comma_ && has_point_) {
      throw bad(line,
                fmt::format("{} in column {}: the table has decimal commas and decimal points; "
                            "write one of them, and nothing between thousands",
                            shown(text), column(c)));
    }
  }

  std::string_view origin_;
  const ChooseColumns& choose_;
  Lines lines_;
  Separator separator_ = Separator::none;
  TableHeader header_;
  std::vector<std::size_t> chosen_;
  std::optional<NumericNames> numeric_names_;
  std::size_t first_line_ = 0;
  std::string first_shown_;
  std::string first_name_;
  std::size_t row_ = 0;
  bool separator_at_end_ = false;
  bool has_comma_ = false;
  bool has_point_ = false;
  CsvTable table_;
};

}  // namespace

CsvTable parse_table(std::string_view bytes, std::string_view origin, const ChooseColumns& choose) {
  return TableReader(plain_text(bytes, origin), origin, choose).read();
}

CsvTable read_table(const std::filesystem::path& path) {
  return parse_table(read_file(path), path.string());
}

}  // namespace riffle
