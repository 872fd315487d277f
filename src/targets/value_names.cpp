#include "targets/value_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "riffle/error.h"

namespace riffle {
namespace {

/// Bytes of the UTF-8 character that `text` begins with; 0 where it begins with none. Neither
/// surrogates nor longer forms than needed are any.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : size;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto size = character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

/// What is wrong with a name; empty where nothing is.
std::string_view fault_of(std::string_view name) {
  static constexpr std::array<std::string_view, 4> own{"lp__", "lp_approx__", "path__", "chain__"};
  if (name.empty()) return "is empty";
  if (!is_utf8(name)) return "is not UTF-8";
  if (name.find_first_of(",\"#") != std::string_view::npos) {
    return "has a comma, a quotation mark or a '#' in it";
  }
  if (std::any_of(name.begin(), name.end(), is_control)) return "has a control character in it";
  if (std::ranges::find(own, name) != own.end()) {
    return "is that of a column of log densities in the tables of draws";
  }
  return {};
}

}  // namespace

std::string shown_name(std::string_view name) {
  std::string shown;
  while (!name.empty()) {
    const auto size = is_control(name[0]) ? 0 : character_size(name);
    if (size == 0) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(name[0]));
    } else {
      shown += name.substr(0, size);
    }
    name.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return shown;
}

void check_value_names(std::span<const std::string> parameters,
                       std::span<const std::string> generated, std::string_view target) {
  std::map<std::string_view, std::size_t> seen;
  const std::size_t all = parameters.size() + generated.size();
  for (std::size_t i = 0; i < all; ++i) {
    const auto& name = i < parameters.size() ? parameters[i] : generated[i - parameters.size()];
    const auto fault = fault_of(name);
    if (!fault.empty()) {
      throw Error(ErrorKind::data, fmt::format("{}: the name of value {}, \"{}\", {}: use names "
                                               "such as a or a.1.2",
                                               shown_name(target), i + 1, shown_name(name), fault));
    }
    const auto [other, is_new] = seen.emplace(name, i);
    if (!is_new) {
      throw Error(ErrorKind::data,
                  fmt::format("{}: values {} and {} have the same name, \"{}\": each needs its own",
                              shown_name(target), other->second + 1, i + 1, shown_name(name)));
    }
  }
}

}  // namespace riffle
