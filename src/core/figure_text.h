#pragma once

#include <string>

namespace riffle {

/// A figure as people read it: with four decimals, or in four digits where it is 1e9 or more;
/// "not finite" where it is infinite or NaN.
std::string figure_text(double value);

/// The same with its standard error: "-1.9633 ± 0.0021". "± unknown" where the error is not finite,
/// as that of a single value is not.
std::string figure_text(double value, double error);

/// A time in the unit that fits, in three digits: "812 ns", "2.13 µs", "21.3 ms", "4.2 s". Of
/// 1,000 s and more there are whole seconds.
std::string duration_text(double seconds);

}  // namespace riffle
