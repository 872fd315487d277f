#include "cli/arguments.h"

#include <fmt/format.h>

#include <charconv>

#include "riffle/error.h"

namespace riffle {

std::uint64_t whole_number(const char* option, const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) {
    throw Error(ErrorKind::usage,
                fmt::format("{} must be a whole number, 0 or more, not {}", option, text));
  }
  return value;
}

}  // namespace riffle
