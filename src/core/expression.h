#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace riffle {

/// A layer or a base as the user writes it: NAME, NAME(key=value, ...) or, for what is made of
/// layers, NAME(FLOW), and behind it :COUNT for how often it stands in a row.
struct Expression {
  std::string name;
  std::size_t count = 1;
  std::vector<std::pair<std::string, std::string>> arguments;
  std::vector<Expression> inner;
};

/// Reads expressions joined by '+', such as "actnorm + affine-coupling(hidden=64x64):8". Spaces do
/// not count. Throws Error{usage}, naming the text as the `kind` of thing that it is, for what
/// cannot be read; names are not looked up.
std::vector<Expression> parse_expressions(std::string_view text, std::string_view kind);

/// An argument that a layer or a base can be given, with its default.
struct Option {
  std::string_view name;
  std::string_view value;
  std::string_view meaning;
};

/// The arguments of one expression over the defaults of its options. Every method throws
/// Error{usage}, naming the argument, where its value cannot be read; only options may be asked
/// for.
class Arguments {
 public:
  /// Of what has no options.
  Arguments() = default;
  /// Throws Error{usage}, naming the nearest option, where there is none of an argument's name.
  Arguments(const Expression& expression, std::span<const Option> options);

  /// A whole number from `least` to `most`.
  std::size_t whole(std::string_view name, std::size_t least, std::size_t most) const;
  /// A finite number.
  double number(std::string_view name) const;
  /// A finite number greater than `bound`.
  double above(std::string_view name, double bound) const;
  /// "yes" or "no".
  bool flag(std::string_view name) const;
  /// Whole numbers from 1 to 65536 joined by 'x', such as 64x64; "none" for no number at all.
  std::vector<std::size_t> widths(std::string_view name) const;
  /// The index of the value in `words`.
  std::size_t word(std::string_view name, std::span<const std::string_view> words) const;

 private:
  const std::string& text(std::string_view name) const;

  std::string owner_;
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace riffle
