#include "core/expression.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace riffle {
namespace {

constexpr std::size_t most_repeats = 100'000;
constexpr std::size_t deepest = 16;
constexpr std::size_t longest_shown = 64;
constexpr std::size_t widest = 65536;

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
      // The sign of an exponent, as in 1e+3.
      if ((value.ends_with('e') || value.ends_with('E')) && peek('+') && ++at_ > 0) value += word();
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

Expression parse_choice(std::string_view text, std::string_view kind) {
  auto all = parse_expressions(text, kind);
  if (all.size() != 1 || all[0].count != 1 || !all[0].inner.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("{0} \"{1}\": there is one {0}, NAME or NAME(KEY=VALUE, ...)", kind,
                            text.substr(0, longest_shown)));
  }
  return std::move(all[0]);
}

std::string_view name_in(std::string_view text) {
  return text.substr(0, text.find_first_of(" (", text.find_first_not_of(' ')));
}

std::string Values::text() const {
  switch (kind) {
    case Kind::flag:
      return "yes or no";
    case Kind::widths:
      return fmt::format("widths from 1 to {} joined by 'x', such as 64x64, or none", widest);
    case Kind::word:
      return fmt::format("one of {}", fmt::join(words, ", "));
    case Kind::whole:
      return fmt::format("a whole number from {} to {}", least, most);
    case Kind::number:
      break;
  }
  const bool bounded = most < largest;
  if (least == -largest) return "a number";
  if (bounded && !above && !below) return fmt::format("from {} to {}", least, most);
  auto all = above ? fmt::format("above {}", least) : fmt::format("{} or more", least);
  if (bounded) all += fmt::format(" and {} {}", below ? "below" : "at most", most);
  return all;
}

namespace {

bool read_widths(std::string_view text, std::vector<std::size_t>& all) {
  if (text == "none") return true;
  while (true) {
    const auto x = text.find('x');
    std::size_t width = 0;
    if (!read_number(text.substr(0, x), width) || width == 0 || width > widest) return false;
    all.push_back(width);
    if (x == std::string_view::npos) return true;
    text.remove_prefix(x + 1);
  }
}

/// What is wrong with a value, as it stands behind "it must be"; empty where nothing is.
std::string wanted(const Values& values, std::string_view text) {
  const auto within = [&](double x) {
    return (values.above ? x > values.least : x >= values.least) &&
           (values.below ? x < values.most : x <= values.most);
  };
  std::vector<std::size_t> all;
  std::uint64_t whole = 0;
  double number = 0;
  bool good = false;
  switch (values.kind) {
    case Values::Kind::number:
      if (!read_number(text, number) || std::isnan(number)) return "a number";
      good = within(number);
      break;
    case Values::Kind::whole:
      good = read_number(text, whole) && within(static_cast<double>(whole));
      break;
    case Values::Kind::flag:
      good = text == "yes" || text == "no";
      break;
    case Values::Kind::widths:
      good = read_widths(text, all);
      break;
    case Values::Kind::word:
      good = std::ranges::find(values.words, text) != values.words.end();
      break;
  }
  return good ? std::string() : values.text();
}

}  // namespace

Arguments::Arguments(const Expression& expression, std::span<const Option> options)
    : owner_(expression.name), options_(options) {
  std::vector<std::string_view> names;
  for (const auto& option : options) {
    names.push_back(option.name);
    values_.emplace_back(option.value);
    assert(wanted(option.values, option.value).empty());
  }
  std::vector<std::string_view> given;
  for (const auto& [key, value] : expression.arguments) {
    const auto known = std::ranges::find(names, key);
    if (known == names.end()) {
      throw Error(
          ErrorKind::usage,
          options.empty()
              ? fmt::format("{} takes no arguments, but was given {}", owner_, key)
              : unknown_name_message(fmt::format("argument of {} named", owner_), key, names));
    }
    if (std::ranges::find(given, key) != given.end()) {
      throw Error(ErrorKind::usage, fmt::format("{} is given {} twice", owner_, key));
    }
    given.push_back(key);
    const auto k = static_cast<std::size_t>(known - names.begin());
    values_[k] = value;
    if (const auto other = wanted(options[k].values, value); !other.empty()) {
      throw refused(key, other);
    }
  }
}

std::size_t Arguments::at(std::string_view name) const {
  const auto found = std::ranges::find(options_, name, &Option::name);
  assert(found != options_.end());
  return static_cast<std::size_t>(found - options_.begin());
}

std::size_t Arguments::whole(std::string_view name) const {
  std::size_t value = 0;
  read_number(values_[at(name)], value);
  return value;
}

double Arguments::number(std::string_view name) const {
  double value = 0;
  read_number(values_[at(name)], value);
  return value;
}

bool Arguments::flag(std::string_view name) const {
  return values_[at(name)] == "yes";
}

std::vector<std::size_t> Arguments::widths(std::string_view name) const {
  std::vector<std::size_t> all;
  read_widths(values_[at(name)], all);
  return all;
}

std::size_t Arguments::word(std::string_view name) const {
  const auto k = at(name);
  const auto words = options_[k].values.words;
  return static_cast<std::size_t>(std::ranges::find(words, values_[k]) - words.begin());
}

void Arguments::set(std::string_view name, double value) {
  values_[at(name)] = argument_text(value);
}

std::string Arguments::text() const {
  std::string all;
  for (std::size_t k = 0; k < values_.size(); ++k) {
    all += fmt::format("{}{}={}", k == 0 ? "(" : ", ", options_[k].name, values_[k]);
  }
  return owner_ + all + (all.empty() ? "" : ")");
}

Error Arguments::refused(std::string_view name, std::string_view wanted) const {
  return {ErrorKind::usage,
          fmt::format("{}({}={}): it must be {}", owner_, name, values_[at(name)], wanted)};
}

std::string argument_text(double value) {
  auto text = fmt::format("{}", value);
  std::erase(text, '+');  // of an exponent
  return text;
}

}  // namespace riffle
