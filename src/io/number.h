#pragma once

#include <optional>
#include <string_view>

namespace riffle {

/// A number as people and programs write it: with a plus sign, Fortran's D before the exponent, the
/// typographic minus or, where that is allowed, a decimal comma. What is beyond double precision is
/// infinite or 0; nan and inf are numbers too. Nothing where the text is no number.
std::optional<double> number_of(std::string_view text, bool decimal_comma);

/// Whether it stands for a value that is not there: nothing, NA, nan, ?, null and the like.
bool is_missing(std::string_view text);

}  // namespace riffle
