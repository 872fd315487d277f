#include "flows/transformers/settings.h"

#include <fmt/format.h>

#include <cmath>

#include "riffle/error.h"

namespace riffle {
namespace {

/// A number with low < number <= high.
double number_within(const Arguments& arguments, std::string_view name, double low, double high) {
  const double value = arguments.number(name);
  if (!(low < value && value <= high)) {
    throw Error(ErrorKind::usage,
                fmt::format("{}={}: it must be above {} and at most {}", name, value, low, high));
  }
  return value;
}

}  // namespace

// e²⁰ and its square are still far inside the range of float.
AffineSettings::AffineSettings(const Arguments& arguments)
    : bound(number_within(arguments, "bound", 0, 20)), inverse_bound(1 / bound) {}

RqsSettings::RqsSettings(const Arguments& arguments)
    : bins(arguments.whole("bins", 2, 64)),
      bound(number_within(arguments, "bound", 0, 1e6)),
      least_bin(number_within(arguments, "least-bin", 0, 0.9 / static_cast<double>(bins))),
      least_slope(number_within(arguments, "least-slope", 0, 0.9)),
      zero_slope(std::log(std::expm1(1 - least_slope))) {}

}  // namespace riffle
