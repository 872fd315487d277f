#pragma once

#include <string_view>

namespace riffle {

/// Prints `head` and behind it the text, broken at blanks to lines of 79 characters, the further
/// ones indented as far as the head is long.
void print_wrapped(std::string_view head, std::string_view text);

}  // namespace riffle
