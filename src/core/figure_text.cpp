#include "core/figure_text.h"

#include <fmt/format.h>

#include <cmath>

namespace riffle {

std::string figure_text(double value) {
  constexpr double large = 1e9;
  if (!std::isfinite(value)) return "not finite";
  return std::abs(value) < large ? fmt::format("{:.4f}", value) : fmt::format("{:.4g}", value);
}

std::string figure_text(double value, double error) {
  if (!std::isfinite(value)) return figure_text(value);
  return fmt::format("{} ± {}", figure_text(value),
                     std::isfinite(error) ? figure_text(error) : "unknown");
}

std::string duration_text(double seconds) {
  struct Unit {
    const char* name;
    double seconds;
  };
  if (!std::isfinite(seconds)) return figure_text(seconds);
  // A figure that three digits round up to the next unit is given in that.
  for (const auto& [name, size] : {Unit{"ns", 1e-9}, {"µs", 1e-6}, {"ms", 1e-3}}) {
    if (seconds < 999.5 * size) return fmt::format("{:.3g} {}", seconds / size, name);
  }
  return seconds < 999.5 ? fmt::format("{:.3g} s", seconds) : fmt::format("{:.0f} s", seconds);
}

}  // namespace riffle
