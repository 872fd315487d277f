#pragma once

#include <string>
#include <string_view>

namespace riffle {

/// The bytes without the mark that some programs put before UTF-8. Throws Error{data} for what is
/// no text: compressed files, workbooks and other binary ones, and UTF-16; the message says what it
/// is and how to make a text of it. `origin` names the file in messages.
std::string_view plain_text(std::string_view bytes, std::string_view origin);

/// Whether the bytes are UTF-8 throughout.
bool is_utf8(std::string_view bytes);

/// A piece of a file as a message shows it: no more than 40 bytes, nothing that is no text.
std::string shown(std::string_view piece);

/// A message of a foreign library on one line: line breaks and other control characters become
/// blanks, blanks at the ends go, and of a very long one the beginning is kept.
std::string one_line(const char* message);

}  // namespace riffle
