#include "cli/wrapped.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/say.h"
#include "cli/terminal.h"
#include "io/output.h"

namespace riffle {

std::size_t text_columns() {
  constexpr std::size_t most = 79;
  constexpr std::size_t least = 30;
  return std::clamp(terminal_columns(::fileno(standard_output())).value_or(most + 1) - 1, least,
                    most);
}

std::size_t text_length(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string right_aligned(std::string_view text, std::size_t width) {
  return std::string(width - std::min(width, text_length(text)), ' ') + std::string(text);
}

void print_wrapped(std::string_view head, std::string_view text) {
  const std::size_t columns = text_columns();
  const std::size_t indent = text_length(head);
  say("{}", head);
  std::size_t at = indent;
  bool first = true;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    const std::size_t room = text_length(word) + (first ? 0 : 1);
    if (!first && at + room > columns) {
      say("\n{:{}}{}", "", indent, word);
      at = indent + text_length(word);
    } else {
      say("{}{}", first ? "" : " ", word);
      at += room;
    }
    first = false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  say("\n");
}

}  // namespace riffle
