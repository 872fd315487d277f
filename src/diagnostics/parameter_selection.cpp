#include "diagnostics/parameter_selection.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/names.h"
#include "riffle/error.h"

namespace riffle {
namespace {

/// Whether a text is of a pattern in which each '*' stands for any characters.
bool matches(std::string_view text, std::string_view pattern) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return text == pattern;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  const auto rest = pattern.substr(star + 1);
  for (auto from = star; from <= text.size(); ++from) {
    if (matches(text.substr(from), rest)) return true;
  }
  return false;
}

/// theta[2,3] as theta.2.3.
std::string with_dots(std::string_view name) {
  if (!name.ends_with(']')) return std::string(name);
  std::string dotted(name.substr(0, name.size() - 1));
  for (char& c : dotted) c = c == '[' || c == ',' ? '.' : c;
  std::erase(dotted, ' ');
  return dotted;
}

/// What the name of an element is without its indices.
std::string_view array_of(std::string_view name) {
  return name.substr(0, name.find('.'));
}

}  // namespace

std::vector<PosteriorParameter> select_parameters(std::vector<PosteriorParameter> all,
                                                  const std::vector<std::string>& names) {
  if (names.empty()) return all;
  std::vector<bool> taken(all.size(), false);
  std::vector<PosteriorParameter> selected;
  for (const auto& name : names) {
    const auto wanted = with_dots(name);
    const bool exact = std::ranges::find(all, wanted, &PosteriorParameter::name) != all.end();
    bool found = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& own = all[i].name;
      if (exact ? own != wanted : array_of(own) != wanted && !matches(own, wanted)) continue;
      found = true;
      if (!taken[i]) selected.push_back(all[i]);
      taken[i] = true;
    }
    if (found) continue;
    std::vector<std::string_view> known;
    for (const auto& p : all) {
      if (known.empty() || known.back() != array_of(p.name)) known.push_back(array_of(p.name));
    }
    throw Error(ErrorKind::usage, unknown_name_message("parameter", name, known));
  }
  return selected;
}

}  // namespace riffle
