#include "cli/wrapped.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace riffle {
namespace {

/// Characters, of UTF-8.
std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

void print_wrapped(std::string_view head, std::string_view text) {
  constexpr std::size_t columns = 79;
  const std::size_t indent = length(head);
  fmt::print("{}", head);
  std::size_t at = indent;
  bool first = true;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    const std::size_t room = length(word) + (first ? 0 : 1);
    if (!first && at + room > columns) {
      fmt::print("\n{:{}}{}", "", indent, word);
      at = indent + length(word);
    } else {
      fmt::print("{}{}", first ? "" : " ", word);
      at += room;
    }
    first = false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  fmt::print("\n");
}

}  // namespace riffle
