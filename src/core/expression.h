#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/names.h"
#include "riffle/error.h"

namespace riffle {

/// What has a name and options, such as a layer, as the user writes it: NAME, NAME(key=value, ...)
/// or, for what is made of layers, NAME(FLOW), and behind it :COUNT for how often it stands in a
/// row.
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

/// The one expression in a text that chooses one thing, such as "adam(beta1=0.9)": NAME or
/// NAME(KEY=VALUE, ...).
Expression parse_choice(std::string_view text, std::string_view kind);

/// The name in such a text, whatever stands behind it.
std::string_view name_in(std::string_view text);

/// What the value of an option may be.
struct Values {
  enum class Kind { number, whole, flag, widths, word };
  static constexpr double largest = std::numeric_limits<double>::max();

  Kind kind = Kind::number;
  double least = -largest;
  double most = largest;
  bool above = false;  ///< whether `least` itself is out of range
  bool below = false;  ///< and `most`
  std::span<const std::string_view> words{};

  static constexpr Values number_above(double least, double most = largest) {
    return {.least = least, .most = most, .above = true};
  }
  static constexpr Values number_from(double least, double most = largest) {
    return {.least = least, .most = most};
  }
  /// 0 or more and below 1.
  static constexpr Values fraction() { return {.least = 0, .most = 1, .below = true}; }
  static constexpr Values whole(double least, double most) {
    return {.kind = Kind::whole, .least = least, .most = most};
  }
  /// "yes" or "no".
  static constexpr Values flag() { return {.kind = Kind::flag}; }
  /// Whole numbers from 1 to 65536 joined by 'x', such as 64x64; "none" for no number at all.
  static constexpr Values widths() { return {.kind = Kind::widths}; }
  static constexpr Values one_of(std::span<const std::string_view> words) {
    return {.kind = Kind::word, .words = words};
  }

  /// Such as "from 0 to 1", as it stands behind "it must be".
  std::string text() const;
};

/// An argument that what has a name can be given, with its default.
struct Option {
  std::string_view name;
  std::string_view value;
  std::string_view meaning;
  Values values{};
};

/// The arguments of one expression over the defaults of its options, which must outlive them. Only
/// options may be asked for, and as what their values are.
class Arguments {
 public:
  /// Of what has no options.
  Arguments() = default;
  /// Throws Error{usage}, naming the nearest option, where there is none of an argument's name, and
  /// naming the argument where its value is none that it may have.
  Arguments(const Expression& expression, std::span<const Option> options);

  std::size_t whole(std::string_view name) const;
  double number(std::string_view name) const;
  bool flag(std::string_view name) const;
  std::vector<std::size_t> widths(std::string_view name) const;
  /// The index of the value in the words that there are.
  std::size_t word(std::string_view name) const;

  /// Gives an argument another value.
  void set(std::string_view name, double value);
  /// The expression, with every option and its value.
  std::string text() const;
  /// The error of a value that something else forbids.
  Error refused(std::string_view name, std::string_view wanted) const;

 private:
  std::size_t at(std::string_view name) const;

  std::string owner_;
  std::span<const Option> options_;
  std::vector<std::string> values_;
};

/// The entry of a registry that a text such as "adam(beta1=0.9)" names, and its arguments.
template <class Entry>
struct Choice {
  const Entry& entry;
  Arguments arguments;
};

/// Throws Error{usage} for what cannot be read and for unknown names and arguments, naming the
/// nearest.
template <class Entry>
Choice<Entry> choose(std::span<const Entry> registry, std::string_view text,
                     std::string_view kind) {
  const auto expression = parse_choice(text, kind);
  const auto& entry = find_by_name(registry, expression.name, kind);
  return {entry, Arguments(expression, entry.options)};
}

/// A number as an argument is written.
std::string argument_text(double value);

}  // namespace riffle
