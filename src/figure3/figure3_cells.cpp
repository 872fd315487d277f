#include "figure3/figure3_cells.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace riffle {
namespace {

constexpr std::array<std::string_view, 4> targets{"U1", "U2", "U3", "U4"};
constexpr std::array<std::size_t, 3> lengths{2, 8, 32};

struct Kind {
  std::string_view name;
  std::string_view layer;
  /// Flows without nets cost little: they get more iterations and more starts, and most of all the
  /// short ones, which have the worse local optima.
  bool cheap;
};

// NICE mixes the coordinates between its coupling layers by a permutation or by an orthogonal map.
constexpr std::array<Kind, 4> kinds{{
    {"planar", "planar", true},
    {"radial", "radial", true},
    {"nice-permutation", "compose(additive-coupling(hidden=16x16) + permutation)", false},
    {"nice-orthogonal", "compose(additive-coupling(hidden=16x16) + householder)", false},
}};

std::uint64_t starts_for(const Kind& kind, std::size_t length) {
  if (length <= 2) return kind.cheap ? 24 : 4;
  if (length <= 8) return kind.cheap ? 16 : 2;
  return kind.cheap ? 4 : 1;
}

}  // namespace

std::vector<Figure3Cell> figure3_cells() {
  std::vector<Figure3Cell> cells;
  for (const auto target : targets) {
    for (const auto& kind : kinds) {
      for (const auto length : lengths) {
        cells.push_back({std::string(target), std::string(kind.name), length,
                         fmt::format("{}:{}", kind.layer, length), starts_for(kind, length),
                         kind.cheap ? 3U : 1U});
      }
    }
  }
  return cells;
}

std::string model_file(const Figure3Cell& cell) {
  return fmt::format("{}-{}-{}.riffle", cell.target, cell.flow, cell.length);
}

std::vector<std::string> figure3_files() {
  std::vector<std::string> names{figure3_table};
  for (const char* picture : {"figure3", "figure3-kl"}) {
    for (const char* type : {".png", ".svg"}) names.push_back(std::string(picture) + type);
  }
  for (const auto& cell : figure3_cells()) names.push_back(model_file(cell));
  return names;
}

}  // namespace riffle
