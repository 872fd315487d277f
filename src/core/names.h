#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "riffle/error.h"

namespace riffle {

/// The candidate at the smallest edit distance from `name` (Damerau–Levenshtein, letter case and
/// the difference between '-' and '_' ignored), or an empty view where none is near enough to be
/// meant.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates);

/// `no KIND "NAME"; did you mean "NEAREST"?`, or the list of all names where none is near.
std::string unknown_name_message(std::string_view kind, std::string_view name,
                                 std::span<const std::string_view> candidates);

/// The entry of that name in a registry; throws Error{usage} naming the nearest one.
template <class Entry>
const Entry& find_by_name(std::span<const Entry> registry, std::string_view name,
                          std::string_view kind) {
  std::vector<std::string_view> names;
  for (const auto& entry : registry) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  throw Error(ErrorKind::usage, unknown_name_message(kind, name, names));
}

}  // namespace riffle
