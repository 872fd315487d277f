#include "core/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "riffle/choices.h"

namespace riffle {
namespace {

std::string fold(std::string_view name) {
  std::string folded;
  for (const char c : name) {
    folded += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return folded;
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates) {
  constexpr std::size_t longest_compared = 64;
  if (name.size() > longest_compared) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 2) + 1;
  for (const auto candidate : candidates) {
    const auto distance = edit_distance(fold(name), fold(candidate));
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string unknown_name_message(std::string_view kind, std::string_view name,
                                 std::span<const std::string_view> candidates) {
  constexpr std::size_t longest_shown = 64;
  const auto shown =
      fmt::format("{}{}", name.substr(0, longest_shown), name.size() > longest_shown ? "..." : "");
  const auto nearest = nearest_name(name, candidates);
  if (!nearest.empty()) {
    return fmt::format("no {} \"{}\"; did you mean \"{}\"?", kind, shown, nearest);
  }
  return fmt::format("no {} \"{}\"; there are: {}", kind, shown, fmt::join(candidates, ", "));
}

std::size_t place_of_name(std::string_view kind, std::string_view name,
                          std::span<const std::string_view> names) {
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) throw Error(ErrorKind::usage, unknown_name_message(kind, name, names));
  return static_cast<std::size_t>(at - names.begin());
}

}  // namespace riffle
