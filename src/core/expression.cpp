#include "core/expression.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

#include "core/names.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::size_t most_repeats = 100'000;
constexpr std::size_t deepest = 16;
constexpr std::size_t longest_shown = 64;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

template <class Number>
bool read_number(std::string_view text, Number& value) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return !text.empty() && error == std::errc() && stop == end;
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view kind) : text_(text), kind_(kind) {}

  std::vector<Expression> all() {
    auto expressions = sum(0);
    if (at_ != text_.size()) throw bad(fmt::format("\"{}\" is out of place", text_.substr(at_, 1)));
    return expressions;
  }

 private:
  std::vector<Expression> sum(std::size_t depth) {
    if (depth > deepest) throw bad("it is nested too deeply");
    std::vector<Expression> expressions;
    do {
      expressions.push_back(item(depth));
    } while (take('+'));
    return expressions;
  }

  Expression item(std::size_t depth) {
    Expression expression{word(), 1, {}, {}};
    if (expression.name.empty()) throw bad("a name is missing");
    if (take('(')) {
      if (!peek(')')) inside(expression, depth);
      if (!take(')')) throw bad("a ')' is missing");
    }
    if (take(':')) {
      const auto digits = word();
      if (!read_number(digits, expression.count) || expression.count == 0 ||
          expression.count > most_repeats) {
        throw bad(fmt::format("\"{}\" is not a count from 1 to {}", digits, most_repeats));
      }
    }
    return expression;
  }

  void inside(Expression& expression, std::size_t depth) {
    const auto start = at_;
    const auto first = word();
    const bool has_arguments = peek('=');
    at_ = start;
    if (!has_arguments || first.empty()) {
      expression.inner = sum(depth + 1);
      return;
    }
    do {
      auto key = word();
      if (key.empty() || !take('=')) throw bad("an argument must be NAME=VALUE");
      auto value = word();
      if (value.empty()) throw bad(fmt::format("{} has no value", key));
      expression.arguments.emplace_back(std::move(key), std::move(value));
    } while (take(','));
  }

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool peek(char c) {
    skip_spaces();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool take(char c) {
    if (!peek(c)) return false;
    ++at_;
    return true;
  }
  std::string word() {
    skip_spaces();
    const auto start = at_;
    while (at_ < text_.size() && is_name_character(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  Error bad(std::string_view why) const {
    return {ErrorKind::usage,
            fmt::format("{} \"{}\": {}; write NAME, NAME:COUNT or NAME(KEY=VALUE, ...), and join "
                        "several by '+'",
                        kind_, text_.substr(0, longest_shown), why)};
  }

  std::string_view text_;
  std::string_view kind_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Expression> parse_expressions(std::string_view text, std::string_view kind) {
  return Parser(text, kind).all();
}

Arguments::Arguments(const Expression& expression, std::span<const Option> options)
    : owner_(expression.name) {
  std::vector<std::string_view> names;
  for (const auto& option : options) {
    names.push_back(option.name);
    values_.emplace_back(option.name, option.value);
  }
  for (const auto& [key, value] : expression.arguments) {
    const auto known = std::find_if(values_.begin(), values_.end(),
                                    [&key = key](const auto& v) { return v.first == key; });
    if (known == values_.end()) {
      throw Error(
          ErrorKind::usage,
          options.empty()
              ? fmt::format("{} takes no arguments, but was given {}", owner_, key)
              : unknown_name_message(fmt::format("argument of {} named", owner_), key, names));
    }
    known->second = value;
  }
}

const std::string& Arguments::text(std::string_view name) const {
  const auto found =
      std::find_if(values_.begin(), values_.end(), [&](const auto& v) { return v.first == name; });
  assert(found != values_.end());
  return found->second;
}

std::size_t Arguments::whole(std::string_view name, std::size_t least, std::size_t most) const {
  std::size_t value = 0;
  if (!read_number(text(name), value) || value < least || value > most) {
    throw Error(ErrorKind::usage, fmt::format("{}({}={}): it must be a whole number from {} to {}",
                                              owner_, name, text(name), least, most));
  }
  return value;
}

double Arguments::number(std::string_view name) const {
  double value = 0;
  if (!read_number(text(name), value) || !std::isfinite(value)) {
    throw Error(ErrorKind::usage,
                fmt::format("{}({}={}): it must be a number", owner_, name, text(name)));
  }
  return value;
}

double Arguments::above(std::string_view name, double bound) const {
  const double value = number(name);
  if (!(value > bound)) {
    throw Error(ErrorKind::usage,
                fmt::format("{}({}={}): it must be above {}", owner_, name, text(name), bound));
  }
  return value;
}

bool Arguments::flag(std::string_view name) const {
  constexpr std::string_view words[] = {"no", "yes"};
  return word(name, words) == 1;
}

std::vector<std::size_t> Arguments::widths(std::string_view name) const {
  constexpr std::size_t widest = 65536;
  std::vector<std::size_t> all;
  if (text(name) == "none") return all;
  std::string_view rest = text(name);
  while (true) {
    const auto x = rest.find('x');
    std::size_t width = 0;
    if (!read_number(rest.substr(0, x), width) || width == 0 || width > widest) {
      throw Error(ErrorKind::usage,
                  fmt::format("{}({}={}): it must be widths from 1 to {} joined by 'x', such as "
                              "64x64, or none",
                              owner_, name, text(name), widest));
    }
    all.push_back(width);
    if (x == std::string_view::npos) return all;
    rest.remove_prefix(x + 1);
  }
}

std::size_t Arguments::word(std::string_view name, std::span<const std::string_view> words) const {
  const auto found = std::find(words.begin(), words.end(), text(name));
  if (found == words.end()) {
    throw Error(ErrorKind::usage, fmt::format("{}({}={}): it must be one of {}", owner_, name,
                                              text(name), fmt::join(words, ", ")));
  }
  return static_cast<std::size_t>(found - words.begin());
}

}  // namespace riffle
