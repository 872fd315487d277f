#include "cli/parameter_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "cli/say.h"
#include "cli/wrapped.h"

namespace riffle {
namespace {

struct Column {
  std::string_view title;
  std::size_t width;
  int digits;
  double PosteriorParameter::*figure;
  int dispensable;  ///< the higher, the sooner it is left out
};

constexpr std::array columns{
    Column{"mean", 10, 4, &PosteriorParameter::mean, 0},
    Column{"sd", 10, 4, &PosteriorParameter::sd, 0},
    Column{"mcse", 9, 2, &PosteriorParameter::mcse, 3},
    Column{"5 %", 10, 4, &PosteriorParameter::q5, 1},
    Column{"50 %", 10, 4, &PosteriorParameter::q50, 2},
    Column{"95 %", 10, 4, &PosteriorParameter::q95, 1},
};

std::size_t width_of(int most_dispensable) {
  std::size_t width = 0;
  for (const auto& column : columns) {
    if (column.dispensable <= most_dispensable) width += 1 + column.width;
  }
  return width;
}

/// A name on so many columns; what is cut out of a longer one is its middle.
std::string fitted(std::string_view name, std::size_t width) {
  const auto length = text_length(name);
  if (length <= width) return std::string(name) + std::string(width - length, ' ');
  const auto part = [&](std::size_t first, std::size_t count) {
    std::string characters;
    std::size_t k = 0;
    for (const char c : name) {
      const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      k += begins ? 1 : 0;
      if (k > first && k <= first + count) characters += c;
    }
    return characters;
  };
  const std::size_t tail = width / 2;
  const std::size_t head = width - 1 - tail;
  return part(0, head) + "…" + part(length - tail, tail);
}

}  // namespace

void print_parameters(std::span<const PosteriorParameter> parameters) {
  constexpr std::size_t least_name = 9;
  std::size_t names = least_name;
  for (const auto& p : parameters) names = std::max(names, text_length(p.name));
  int kept = 3;
  while (kept > 0 && std::min<std::size_t>(names, 2 * least_name) + width_of(kept) > text_columns())
    --kept;
  const auto room = std::max(text_columns(), width_of(kept) + least_name) - width_of(kept);
  const auto width = std::min(names, room);

  say("{}", fitted("parameter", width));
  for (const auto& column : columns) {
    if (column.dispensable <= kept) say(" {:>{}}", column.title, column.width);
  }
  say("\n");
  for (const auto& p : parameters) {
    say("{}", fitted(p.name, width));
    for (const auto& column : columns) {
      if (column.dispensable > kept) continue;
      say(" {:>{}.{}g}", p.*column.figure, column.width, column.digits);
    }
    say("\n");
  }
}

}  // namespace riffle
