#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace riffle {

/// Text of a CSV table, built row by row; numbers in the shortest form that reads back the same.
class CsvText {
 public:
  explicit CsvText(std::span<const std::string> header);
  void add(double value);
  void add(float value);
  void add(std::uint64_t value);
  /// In double quotes where it would break the table.
  void add(std::string_view text);
  void end_row();
  const std::string& text() const { return text_; }
  std::string take() { return std::exchange(text_, {}); }

 private:
  void separate();
  std::string text_;
  bool row_started_ = false;
};

/// The cells of a line of CSV. Double quotes keep what is between them together; two stand for one.
std::vector<std::string> split_csv_line(std::string_view line);

/// Whether a table must have a line of names.
enum class CsvNames { required, optional };

/// A table of numbers, as a rule with one line of names above.
struct CsvTable {
  std::vector<std::string> header;  ///< one for each column; empty ones where there are no names
  bool has_names = false;
  std::vector<double> values;  ///< row-major

  std::size_t rows() const { return header.empty() ? 0 : values.size() / header.size(); }
  double at(std::size_t row, std::size_t column) const {
    return values[row * header.size() + column];
  }
};

/// Reads such a table from a text that messages call `origin`. Where names are optional, a first
/// line of nothing but numbers is the first row. Lines that begin with `comment`, where that is not
/// 0, are passed over. Throws Error{data} naming the line that is not numbers or too short or long,
/// and where names and numbers are mixed in the first.
CsvTable parse_csv(std::string_view text, std::string_view origin, CsvNames names,
                   char comment = 0);

/// Reads a table with names. Throws Error{data} naming the line that is not numbers or too short or
/// long, and as read_file does.
CsvTable read_csv(const std::filesystem::path& path);

}  // namespace riffle
