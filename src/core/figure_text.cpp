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

}  // namespace riffle
