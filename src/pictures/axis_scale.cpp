#include "pictures/axis_scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace riffle {
namespace {

double power_of_ten(double v) {
  return std::pow(10, std::floor(std::log10(v)));
}

}  // namespace

std::string Scale::of(const std::string& name) const {
  auto words = name;
  if (shift != 0) words += fmt::format(" less {:.15g}", shift);
  if (unit != 1) words += fmt::format(", in {:g}", unit);
  return words;
}

Scale scale_of(const Range& range) {
  Scale scale;
  double size = std::max(std::abs(range.low), std::abs(range.high));
  if (size > 1e4 * range.length()) {
    const double step = 10 * power_of_ten(range.length());
    scale.shift = std::round((range.low + range.length() / 2) / step) * step;
    size = range.length();
  }
  if (size >= 1e6 || size < 1e-4) scale.unit = power_of_ten(size);
  return scale;
}

double tick_step(const Range& range, double count) {
  const double rough = range.length() / count;
  const double power = power_of_ten(rough);
  const double digits = rough / power;
  return power * (digits < 1.5 ? 1 : digits < 3.5 ? 2 : digits < 7.5 ? 5 : 10);
}

}  // namespace riffle
