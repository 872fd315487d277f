#pragma once

#include <string>

namespace riffle {

/// A figure as people read it: with four decimals, or in four digits where it is 1e9 or more;
/// "not finite" where it is infinite or NaN.
std::string figure_text(double value);

/// The same with its standard error: "-1.9633 ± 0.0021". "± unknown" where the error is not finite,
/// as that of a single value is not.
std::string figure_text(double value, double error);

}  // namespace riffle
