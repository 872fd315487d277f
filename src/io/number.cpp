#include "io/number.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <string>

namespace riffle {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// As std::from_chars reads it.
std::string plain(std::string_view text, bool decimal_comma) {
  constexpr std::string_view minus = "\xE2\x88\x92";
  std::string all;
  if (text.starts_with(minus)) {
    all = "-";
    text.remove_prefix(minus.size());
  }
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  all += text;
  for (std::size_t i = 1; i < all.size(); ++i) {
    const bool behind_number = is_digit(all[i - 1]) || all[i - 1] == '.' || all[i - 1] == ',';
    if ((all[i] == 'D' || all[i] == 'd') && behind_number) all[i] = 'e';
  }
  if (decimal_comma && all.find('.') == std::string::npos) {
    const auto comma = all.find(',');
    const bool has_digits = std::any_of(all.begin(), all.end(), is_digit);
    if (comma != std::string::npos && has_digits) all[comma] = '.';
  }
  return all;
}

}  // namespace

std::optional<double> number_of(std::string_view text, bool decimal_comma) {
  double value = 0;
  const auto read = [&](std::string_view all) -> std::optional<double> {
    const char* const end = all.data() + all.size();
    const auto [stop, error] = std::from_chars(all.data(), end, value);
    if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
    // Which of both ends it is beyond, from_chars does not say.
    if (error == std::errc::result_out_of_range)
      value = std::strtod(std::string(all).c_str(), nullptr);
    return value;
  };
  if (text.empty()) return std::nullopt;
  if (const auto usual = read(text)) return usual;
  return read(plain(text, decimal_comma));
}

bool is_missing(std::string_view text) {
  static constexpr std::string_view words[] = {
      "",        "na",      "n/a",     "nan",   "-nan",   "#n/a",  "#na",   "<na>",
      "null",    "none",    "nat",     "?",     ".",      "-",     "--",    "*",
      "missing", "#value!", "#div/0!", "#num!", "#null!", "#ref!", "#name?"};
  constexpr std::size_t longest = 8;
  if (text.size() > longest) return false;
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(std::begin(words), std::end(words), lower) != std::end(words);
}

}  // namespace riffle
