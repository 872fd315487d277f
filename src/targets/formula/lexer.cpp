#include "targets/formula/lexer.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace riffle::formula {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Bytes of the letter that the text begins with: ASCII, underscore or Greek; 0 where there is
/// none.
std::size_t letter_at(std::string_view text) {
  if (text.empty()) return 0;
  const char c = text[0];
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return 1;
  const auto byte = static_cast<unsigned char>(c);
  const bool greek = (byte == 0xCE || byte == 0xCF) && text.size() > 1 &&
                     (static_cast<unsigned char>(text[1]) & 0xC0) == 0x80;
  return greek ? 2 : 0;
}

std::size_t name_length(std::string_view text) {
  std::size_t n = letter_at(text);
  while (n > 0 && n < text.size()) {
    const auto letter = letter_at(text.substr(n));
    if (letter == 0 && !is_digit(text[n])) break;
    n += letter == 0 ? 1 : letter;
  }
  return n;
}

std::size_t number_length(std::string_view text) {
  std::size_t n = 0;
  const auto digits = [&] {
    const auto start = n;
    while (n < text.size() && is_digit(text[n])) ++n;
    return n > start;
  };
  bool any = digits();
  if (n < text.size() && text[n] == '.') {
    ++n;
    any = digits() || any;
  }
  if (!any) return 0;
  const auto before = n;
  if (n < text.size() && (text[n] == 'e' || text[n] == 'E')) {
    ++n;
    if (n < text.size() && (text[n] == '+' || text[n] == '-')) ++n;
    if (!digits()) n = before;  // the e is a name's
  }
  return n;
}

/// How symbols are spelt, the longer ones first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 28> symbols{{
    {"**", "^"}, {"<=", "<="}, {">=", ">="}, {"==", "=="}, {"!=", "!="}, {"&&", "&&"}, {"||", "||"},
    {"−", "-"},  {"·", "*"},   {"×", "*"},   {"≤", "<="},  {"≥", ">="},  {"+", "+"},   {"-", "-"},
    {"*", "*"},  {"/", "/"},   {"^", "^"},   {"(", "("},   {")", ")"},   {",", ","},   {";", ";"},
    {"=", "="},  {"<", "<"},   {">", ">"},   {"?", "?"},   {":", ":"},   {"!", "!"},   {"≠", "!="},
}};

/// A character as a message shows it.
std::string shown(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text[0]);
  if (byte < 0x20 || byte == 0x7F) return fmt::format("byte {:#04x}", byte);
  std::size_t n = 1;
  while (n < text.size() && n < 4 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) ++n;
  const bool whole = byte < 0x80 || (byte >= 0xC2 && byte <= 0xF4 && n > 1);
  return whole ? fmt::format("\"{}\"", text.substr(0, n)) : fmt::format("byte {:#04x}", byte);
}

double number_of(std::string_view text, std::size_t at) {
  double value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) {
    constexpr std::size_t longest = 32;
    throw Fault{at, fmt::format("{}{} is beyond what a number can hold", text.substr(0, longest),
                                text.size() > longest ? "..." : "")};
  }
  return value;
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && name_length(text) == text.size();
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto rest = text.substr(at);
    const char c = rest[0];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at;
    } else if (c == '#') {
      while (at < text.size() && text[at] != '\n') ++at;
    } else if (const auto digits = number_length(rest); digits > 0) {
      const auto number = rest.substr(0, digits);
      tokens.push_back({Kind::number, number, number_of(number, at), at});
      at += digits;
    } else if (const auto letters = name_length(rest); letters > 0) {
      tokens.push_back({Kind::name, rest.substr(0, letters), 0, at});
      at += letters;
    } else {
      bool found = false;
      for (const auto& [spelling, plain] : symbols) {
        if (!rest.starts_with(spelling)) continue;
        tokens.push_back({Kind::symbol, plain, 0, at});
        at += spelling.size();
        found = true;
        break;
      }
      if (!found) throw Fault{at, fmt::format("{} means nothing here", shown(rest))};
    }
  }
  tokens.push_back({Kind::end, "", 0, text.size()});
  return tokens;
}

}  // namespace riffle::formula
