#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace riffle::formula {

enum class Kind { number, name, symbol, end };

struct Token {
  Kind kind;
  std::string_view text;  ///< of a symbol in its plain spelling, such as "^" for "**"
  double value = 0;       ///< of a number
  std::size_t at = 0;     ///< byte of the whole text
};

/// What cannot be read, and where.
struct Fault {
  std::size_t at;
  std::string why;
};

/// The words of a formula, the last of them the end. Blanks, line ends and what follows a # up to
/// the end of its line do not count. Throws Fault.
std::vector<Token> tokens_of(std::string_view text);

/// Whether the whole text is a name.
bool is_name(std::string_view text);

}  // namespace riffle::formula
