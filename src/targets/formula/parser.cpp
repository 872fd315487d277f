#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "core/names.h"
#include "targets/formula/formula.h"
#include "targets/formula/functions.h"
#include "targets/formula/lexer.h"

namespace riffle {
namespace formula {
namespace {

constexpr std::size_t deepest = 200;
constexpr std::size_t longest = 1'000'000;
constexpr std::size_t most_coordinates = 10'000;
constexpr std::size_t longest_name = 64;

/// A name as a message shows it.
std::string cut(std::string_view name) {
  if (name.size() <= longest_name) return std::string(name);
  std::size_t n = longest_name;
  while ((static_cast<unsigned char>(name[n]) & 0xC0) == 0x80) --n;
  return fmt::format("{}...", name.substr(0, n));
}

/// Reads statements NAME = EXPRESSION; and one expression, each operator as it comes into the
/// graph. From loosest to tightest: ?: || && comparisons +- */ unary ^.
class Parser {
 public:
  Parser(std::string_view text, std::span<const std::string> coordinates)
      : tokens_(tokens_of(text)), open_(coordinates.empty()) {
    for (const auto& name : coordinates) add_coordinate(name);
  }

  struct Result {
    Graph graph;
    Id root = 0;
    std::vector<std::string> coordinates;
  };

  /// Throws Fault.
  Result read(FormulaKind kind) {
    try {
      auto root = statements();
      const auto end = token().at;
      if (kind == FormulaKind::density) {
        root = b_.logs.log_of(root);
        if (graph().is_constant(root)) {
          throw Fault{0, coordinates_.empty()
                             ? "there is no coordinate in it: a density is a formula in names such "
                               "as x and y"
                             : "it is the same, or not positive, everywhere: that is no density"};
        }
      }
      check_uses(root, end);
      return {std::move(b_.graph), root, std::move(coordinates_)};
    } catch (const Graph::TooLarge&) {
      throw Fault{token().at,
                  fmt::format("it is too long: it has more than {} operations", Graph::most_nodes)};
    }
  }

 private:
  Graph& graph() { return b_.graph; }
  const Token& token() const { return tokens_[at_]; }
  const Token& next_token() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool is(std::string_view symbol) const {
    return token().kind == Kind::symbol && token().text == symbol;
  }
  bool take(std::string_view symbol) {
    if (!is(symbol)) return false;
    ++at_;
    return true;
  }

  /// One level deeper, for as long as it lives.
  class Level {
   public:
    Level(std::size_t& depth, std::size_t at) : depth_(depth) {
      if (++depth_ > deepest) {
        --depth_;
        throw Fault{at, fmt::format("it is nested deeper than {} levels", deepest)};
      }
    }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    std::size_t& depth_;
  };

  Id statements() {
    while (true) {
      if (token().kind == Kind::end) {
        throw Fault{token().at, at_ == 0 ? "it is empty: write a formula, such as exp(-x^2/2)"
                                         : "the density itself is missing after the last ;"};
      }
      if (token().kind == Kind::name && next_token().kind == Kind::symbol &&
          next_token().text == "=") {
        define();
        continue;
      }
      const Id root = expression();
      while (take(";")) {
      }
      if (token().kind != Kind::end) throw out_of_place();
      return root;
    }
  }

  void define() {
    const auto name = token();
    if (find_function(name.text) != nullptr || find_constant(name.text) != nullptr) {
      throw Fault{name.at, fmt::format("{} has a meaning already: choose another name", name.text)};
    }
    if (definitions_.contains(name.text)) {
      throw Fault{name.at, fmt::format("{} is defined twice", cut(name.text))};
    }
    if (const auto known = coordinate(name.text)) {
      throw Fault{name.at, open_ ? fmt::format("{} is used before it is defined", cut(name.text))
                                 : fmt::format("{} is a coordinate: choose another name for what "
                                               "is defined",
                                               cut(name.text))};
    }
    at_ += 2;
    const Id value = expression();
    if (!take(";")) {
      if (token().kind == Kind::end) {
        throw Fault{token().at,
                    fmt::format("the density itself is missing: write \"{} = ...; density\"",
                                cut(name.text))};
      }
      throw out_of_place();
    }
    definitions_.emplace(name.text, value);
  }

  Fault out_of_place() const {
    const auto& t = token();
    if (t.kind == Kind::end) return {t.at, "it ends too early"};
    if (t.kind == Kind::symbol) {
      if (t.text == ")") return {t.at, "this ')' closes nothing"};
      if (t.text == "=") return {t.at, "\"=\" defines a name: to compare, write =="};
      return {t.at, fmt::format("\"{}\" is out of place", t.text)};
    }
    return {t.at,
            fmt::format("an operator is missing before \"{}\": to multiply, write *", cut(t.text))};
  }

  /// Throws where an operation on constants has no finite value.
  Id checked(Id id, std::size_t at, std::string_view what) {
    const auto& node = graph()[id];
    if (node.op == Op::constant && !std::isfinite(node.scale)) {
      throw Fault{at, std::isnan(node.scale) ? fmt::format("{} has no value", what)
                                             : fmt::format("{} is infinite", what)};
    }
    return id;
  }

  Id expression() {
    const Level level(depth_, token().at);
    const Id condition = disjunction();
    if (!take("?")) return condition;
    const Id yes = expression();
    if (!take(":")) {
      throw Fault{token().at, "a ':' is missing: write condition ? one : other"};
    }
    const Id no = expression();
    return graph().make(Op::select, {condition, yes, no});
  }

  bool is_boolean(Id id) {
    const auto op = graph()[id].op;
    return op == Op::less || op == Op::less_equal || op == Op::equal || booleans_.contains(id);
  }
  /// 1 or 0.
  Id boolean(Id id) {
    if (is_boolean(id)) return id;
    return negated(graph().make(Op::equal, {id, graph().constant(0)}));
  }
  Id negated(Id boolean_id) {
    return mark_boolean(graph().shifted(graph().negative(boolean_id), 1));
  }
  Id mark_boolean(Id id) {
    booleans_[id] = true;
    return id;
  }

  Id disjunction() {
    Id left = conjunction();
    while (take("||")) {
      left = boolean(left);
      const Id right = boolean(conjunction());
      left = mark_boolean(graph().make(Op::max, {left, right}));
    }
    return left;
  }

  Id conjunction() {
    Id left = comparison();
    while (take("&&")) {
      left = boolean(left);
      const Id right = boolean(comparison());
      left = mark_boolean(graph().multiply(left, right));
    }
    return left;
  }

  bool at_comparison() const {
    for (const auto* symbol : {"<", "<=", ">", ">=", "==", "!="}) {
      if (is(symbol)) return true;
    }
    return false;
  }

  Id comparison() {
    const Id left = sum();
    if (!at_comparison()) return left;
    const auto symbol = token().text;
    ++at_;
    const Id right = sum();
    if (at_comparison()) {
      throw Fault{token().at, "comparisons do not go on: write a < b && b < c"};
    }
    if (symbol == "<") return graph().make(Op::less, {left, right});
    if (symbol == "<=") return graph().make(Op::less_equal, {left, right});
    if (symbol == ">") return graph().make(Op::less, {right, left});
    if (symbol == ">=") return graph().make(Op::less_equal, {right, left});
    const Id equal = graph().make(Op::equal, {left, right});
    return symbol == "==" ? equal : negated(equal);
  }

  Id sum() {
    Id left = product();
    while (is("+") || is("-")) {
      const auto op = token();
      ++at_;
      const Id right = product();
      left = op.text == "+" ? graph().add(left, right) : graph().subtract(left, right);
      checked(left, op.at, "this sum");
    }
    return left;
  }

  Id product() {
    Id left = signed_factor();
    while (is("*") || is("/")) {
      const auto op = token();
      ++at_;
      const Id right = signed_factor();
      if (op.text == "*") {
        left = checked(graph().multiply(left, right), op.at, "this product");
      } else {
        if (graph().is_constant(right, 0)) throw Fault{op.at, "this divides by zero"};
        left = checked(graph().divide(left, right), op.at, "this quotient");
      }
    }
    return left;
  }

  /// -x^2 is -(x^2).
  Id signed_factor() {
    bool minus = false;
    while (is("-") || is("+")) {
      minus ^= is("-");
      ++at_;
    }
    if (is("!")) {
      const Level level(depth_, token().at);
      ++at_;
      const Id value = negated(boolean(signed_factor()));
      return minus ? graph().negative(value) : value;
    }
    const Id value = power();
    return minus ? graph().negative(value) : value;
  }

  Id power() {
    const Id base = primary();
    if (!is("^")) return base;
    const Level level(depth_, token().at);
    const auto at = token().at;
    ++at_;
    const Id exponent = signed_factor();
    return checked(graph().power(base, exponent), at, "this power");
  }

  Id primary() {
    const auto t = token();
    if (t.kind == Kind::number) {
      ++at_;
      return graph().constant(t.value);
    }
    if (t.kind == Kind::name) {
      ++at_;
      return is("(") ? call(t) : name(t);
    }
    if (take("(")) {
      const Id inside = expression();
      if (!take(")")) throw unclosed(t.at);
      return inside;
    }
    if (t.kind == Kind::end) throw Fault{t.at, "it ends too early: a number or a name is missing"};
    throw Fault{t.at, t.text == "="
                          ? "\"=\" defines a name: to compare, write =="
                          : fmt::format("a number or a name is missing before \"{}\"", t.text)};
  }

  /// Where the end is missed, the fault is with what was opened.
  Fault unclosed(std::size_t opened_at) const {
    if (token().kind == Kind::end) return {opened_at, "this '(' is never closed"};
    if (is(","))
      return {token().at, "this ',' is out of place: it is between a function's arguments"};
    return out_of_place();
  }

  Id call(const Token& name) {
    const auto* function = find_function(name.text);
    if (function == nullptr) throw unknown_function(name);
    const auto opened_at = token().at;
    ++at_;
    std::vector<Id> in;
    if (!is(")")) {
      do {
        in.push_back(expression());
      } while (take(","));
    }
    if (!take(")")) {
      throw token().kind == Kind::end ? Fault{opened_at, "this '(' is never closed"}
                                      : out_of_place();
    }
    if (in.size() < function->least || in.size() > function->most) {
      throw Fault{name.at, wrong_number(*function, in.size())};
    }
    return checked(function->build(b_, in), name.at, fmt::format("this {}", name.text));
  }

  static std::string wrong_number(const Function& function, std::size_t given) {
    const auto words = formula_words();
    const auto word = std::find_if(words.begin(), words.end(),
                                   [&](const auto& w) { return w.name == function.name; });
    return fmt::format("{0} takes {1} argument{2}, not {3}: {0}({4})", function.name,
                       function.most > function.least ? fmt::format("{} or more", function.least)
                                                      : fmt::format("{}", function.least),
                       function.least == 1 && function.most == 1 ? "" : "s", given,
                       word->arguments);
  }

  Fault unknown_function(const Token& name) {
    if (definitions_.contains(name.text) || coordinate(name.text) ||
        find_constant(name.text) != nullptr) {
      return {name.at, fmt::format("{0} is no function: to multiply, write {0}*(", cut(name.text))};
    }
    std::vector<std::string_view> functions;
    for (const auto& word : formula_words()) {
      if (!word.arguments.empty()) functions.push_back(word.name);
    }
    const auto nearest = nearest_name(name.text, functions);
    return {name.at, nearest.empty() ? fmt::format("no function \"{}\"; `riffle list functions` "
                                                   "names those that there are",
                                                   cut(name.text))
                                     : fmt::format("no function \"{}\"; did you mean \"{}\"?",
                                                   cut(name.text), nearest)};
  }

  Id name(const Token& t) {
    if (const auto found = definitions_.find(t.text); found != definitions_.end()) {
      return found->second;
    }
    if (const auto index = coordinate(t.text)) return graph().coordinate(*index);
    if (const auto* constant = find_constant(t.text)) return graph().constant(constant->value);
    if (find_function(t.text) != nullptr) {
      throw Fault{t.at, fmt::format("{0} is a function: write {0}(...)", t.text)};
    }
    if (!open_) {
      std::vector<std::string_view> names(coordinates_.begin(), coordinates_.end());
      for (const auto& definition : definitions_) names.push_back(definition.first);
      const auto nearest = nearest_name(t.text, names);
      throw Fault{
          t.at,
          nearest.empty()
              ? fmt::format("no coordinate \"{}\"; it is not among those that were named",
                            cut(t.text))
              : fmt::format("no coordinate \"{}\"; did you mean \"{}\"?", cut(t.text), nearest)};
    }
    if (t.text == "Pi" || t.text == "PI" || t.text == "π") {
      throw Fault{t.at, fmt::format("no name \"{}\"; did you mean \"pi\"?", t.text)};
    }
    if (t.text.size() > longest_name) {
      throw Fault{t.at, fmt::format("a name of {} bytes is too long", t.text.size())};
    }
    if (coordinates_.size() >= most_coordinates) {
      throw Fault{t.at, fmt::format("it has more than {} coordinates", most_coordinates)};
    }
    if (t.text.ends_with("__")) {
      throw Fault{t.at, "names that end with __ belong to Riffle: choose another"};
    }
    add_coordinate(std::string(t.text));
    return graph().coordinate(coordinates_.size() - 1);
  }

  void add_coordinate(const std::string& name) {
    index_.emplace(name, coordinates_.size());
    coordinates_.push_back(name);
  }

  std::optional<std::size_t> coordinate(std::string_view name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? std::nullopt : std::optional(found->second);
  }

  /// Along a coordinate that is not used the density is constant, and so has no integral.
  void check_uses(Id root, std::size_t end) {
    if (coordinates_.empty()) {
      throw Fault{0,
                  "there is no coordinate in it: a density is a formula in names such as x and y"};
    }
    std::vector<char> reached(std::size_t{root} + 1, 0);
    reached[root] = 1;
    std::vector<char> used(coordinates_.size(), 0);
    for (std::size_t i = reached.size(); i-- > 0;) {
      if (reached[i] == 0) continue;
      const auto id = static_cast<Id>(i);
      if (graph()[id].op == Op::coordinate) used[static_cast<std::size_t>(graph()[id].shift)] = 1;
      for (const Id in : graph().operands(id)) reached[in] = 1;
    }
    const auto unused = std::find(used.begin(), used.end(), 0);
    if (unused == used.end()) return;
    throw Fault{end,
                fmt::format("{} does not count in it: a density that is constant along a "
                            "coordinate has no integral",
                            cut(coordinates_[static_cast<std::size_t>(unused - used.begin())]))};
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  bool open_;  ///< whether names that are free become coordinates
  Builder b_;
  std::vector<std::string> coordinates_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string_view, Id> definitions_;
  std::map<Id, bool> booleans_;
};

}  // namespace

}  // namespace formula

namespace {

/// Characters before a byte, of a text in UTF-8.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

struct Place {
  std::string_view line;
  std::size_t number;  ///< of the line, from 1
  std::size_t byte;    ///< in the line
};

Place place_of(std::string_view text, std::size_t at) {
  at = std::min(at, text.size());
  const auto before = text.substr(0, at);
  const auto newline = before.rfind('\n');
  const auto start = newline == std::string_view::npos ? 0 : newline + 1;
  auto end = text.find('\n', start);
  if (end == std::string_view::npos) end = text.size();
  return {text.substr(start, end - start),
          1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')), at - start};
}

std::string message_of(std::string_view origin, std::string_view text, std::size_t at,
                       const std::string& why) {
  const auto place = place_of(text, at);
  const auto column = characters(place.line.substr(0, place.byte)) + 1;
  const bool one_line = text.find('\n') == std::string_view::npos;
  return one_line ? fmt::format("{}: column {}: {}", origin, column, why)
                  : fmt::format("{}: line {}, column {}: {}", origin, place.number, column, why);
}

/// The line with a caret below, both cut to what is near it.
std::string excerpt_of(std::string_view text, std::size_t at) {
  constexpr std::size_t widest = 72;
  const auto place = place_of(text, at);
  std::string line;
  std::vector<std::size_t> starts;  // of characters
  for (const char c : place.line) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) starts.push_back(line.size());
    line += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  }
  starts.push_back(line.size());
  const auto column = characters(place.line.substr(0, place.byte));
  const std::size_t total = starts.size() - 1;
  std::size_t first = 0;
  if (total > widest && column > widest / 2) first = std::min(column - widest / 2, total - widest);
  const std::size_t last = std::min(total, first + widest);
  const auto shown = line.substr(starts[first], starts[last] - starts[first]);
  return fmt::format("  {}\n  {}^", shown, std::string(column - first, ' '));
}

}  // namespace

FormulaError::FormulaError(std::string_view origin, std::string_view text, std::size_t at,
                           const std::string& why)
    : Error(ErrorKind::usage, message_of(origin, text, at, why)), excerpt_(excerpt_of(text, at)) {}

Formula parse_formula(std::string_view text, FormulaKind kind,
                      std::span<const std::string> coordinates, std::string_view origin) {
  if (text.size() > formula::longest) {
    throw Error(ErrorKind::usage, fmt::format("{}: {} bytes are too long for a formula: {} at most",
                                              origin, text.size(), formula::longest));
  }
  try {
    auto read = formula::Parser(text, coordinates).read(kind);
    const auto dim = read.coordinates.size();
    return {std::move(read.coordinates), make_program(read.graph, read.root, dim)};
  } catch (const formula::Fault& fault) {
    throw FormulaError(origin, text, fault.at, fault.why);
  }
}

std::vector<std::string> parse_coordinates(std::string_view list, std::string_view origin) {
  std::vector<std::string> names;
  const auto bad = [&](const std::string& why) {
    return Error(ErrorKind::usage, fmt::format("{}: {}; write names, such as x,y", origin, why));
  };
  std::string_view rest = list;
  while (!rest.empty() || !names.empty()) {
    const auto comma = rest.find(',');
    auto name = rest.substr(0, comma);
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    if (!formula::is_name(name) || name.size() > formula::longest_name) {
      throw bad(fmt::format("\"{}\" is no name", formula::cut(name)));
    }
    if (name.ends_with("__")) throw bad("names that end with __ belong to Riffle");
    if (formula::find_function(name) != nullptr) {
      throw bad(fmt::format("{} is a function", name));
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      throw bad(fmt::format("{} is there twice", name));
    }
    names.emplace_back(name);
    if (names.size() > formula::most_coordinates) {
      throw bad(fmt::format("more than {} coordinates", formula::most_coordinates));
    }
    if (comma == std::string_view::npos) break;
    rest = rest.substr(comma + 1);
  }
  return names;
}

}  // namespace riffle
