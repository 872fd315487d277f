#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace riffle {

/// How long lines of text are: 79 characters, or fewer on a terminal that is narrower.
std::size_t text_columns();

/// Characters of a text in UTF-8, as a terminal shows them.
std::size_t text_length(std::string_view text);

/// The text with blanks before it, to so many characters at least.
std::string right_aligned(std::string_view text, std::size_t width);

/// Prints `head` and behind it the text, broken at blanks to lines of text_columns(), the further
/// ones indented as far as the head is long.
void print_wrapped(std::string_view head, std::string_view text);

}  // namespace riffle
