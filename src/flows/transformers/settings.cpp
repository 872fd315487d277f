#include "flows/transformers/settings.h"

#include <cmath>

namespace riffle {

// e²⁰ and its square are still far inside the range of float.
AffineSettings::AffineSettings(const Arguments& arguments)
    : bound(arguments.number("bound")), inverse_bound(1 / bound) {}

RqsSettings::RqsSettings(const Arguments& arguments)
    : bins(arguments.whole("bins")),
      bound(arguments.number("bound")),
      least_bin(arguments.number("least-bin")),
      least_slope(arguments.number("least-slope")),
      zero_slope(std::log(std::expm1(1 - least_slope))) {
  const double most = 0.9 / static_cast<double>(bins);
  if (least_bin > most) {
    throw arguments.refused("least-bin", "above 0 and at most 0.9/bins, " + argument_text(most));
  }
}

}  // namespace riffle
