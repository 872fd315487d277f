#include "targets/formula/functions.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace riffle {
namespace formula {
namespace {

constexpr std::size_t any_number = 10'000;

using In = std::span<const Id>;

template <Op op>
Id direct(Builder& b, In in) {
  return b.graph.make(op, {in.begin(), in.end()});
}

Id log_of(Builder& b, Id a) {
  return b.logs.log_of(a);
}

/// ln(1 + a), through the logarithm of what is exponential.
Id log1p_of(Builder& b, Id a) {
  return b.graph[a].exponential ? log_of(b, b.graph.shifted(a, 1)) : b.graph.make(Op::log1p, {a});
}

template <Op op>
Id extreme(Builder& b, In in) {
  Id result = in[0];
  for (const Id id : in.subspan(1)) result = b.graph.make(op, {result, id});
  return result;
}

Id norm(Builder& b, In in) {
  Id sum = b.graph.make(Op::square, {in[0]});
  for (const Id id : in.subspan(1)) sum = b.graph.add(sum, b.graph.make(Op::square, {id}));
  return b.graph.make(Op::sqrt, {sum});
}

Id normal_cdf(Builder& b, Id a) {
  return b.graph.scaled(b.graph.make(Op::erfc, {b.graph.scaled(a, -1 / std::numbers::sqrt2)}), 0.5);
}

/// (x - mean)/sd.
Id standardised(Builder& b, In in) {
  return b.graph.divide(b.graph.subtract(in[0], in[1]), in[2]);
}

Id normal_lpdf(Builder& b, In in) {
  auto& g = b.graph;
  const Id quadratic = g.scaled(g.make(Op::square, {standardised(b, in)}), -0.5);
  const double root_two_pi = 0.5 * std::log(2 * std::numbers::pi);
  return g.subtract(g.shifted(quadratic, -root_two_pi), log_of(b, in[2]));
}

Id cauchy_lpdf(Builder& b, In in) {
  auto& g = b.graph;
  const Id tail = g.make(Op::log1p, {g.make(Op::square, {standardised(b, in)})});
  return g.subtract(g.shifted(g.negative(tail), -std::log(std::numbers::pi)), log_of(b, in[2]));
}

/// Of (x, ν, mean, scale).
Id student_t_lpdf(Builder& b, In in) {
  auto& g = b.graph;
  const Id nu = in[1];
  const std::array<Id, 3> located{in[0], in[2], in[3]};
  const Id square = g.make(Op::square, {standardised(b, located)});
  const Id half = g.scaled(g.shifted(nu, 1), 0.5);
  const Id tail = g.multiply(half, g.make(Op::log1p, {g.divide(square, nu)}));
  const Id gammas = g.subtract(g.make(Op::lgamma, {half}), g.make(Op::lgamma, {g.scaled(nu, 0.5)}));
  const Id scale =
      g.add(g.scaled(log_of(b, g.scaled(nu, std::numbers::pi)), 0.5), log_of(b, in[3]));
  return g.subtract(g.subtract(gammas, scale), tail);
}

/// Of (x, rate), for x >= 0.
Id exponential_lpdf(Builder& b, In in) {
  auto& g = b.graph;
  const Id inside = g.subtract(log_of(b, in[1]), g.multiply(in[1], in[0]));
  return g.make(Op::select,
                {g.make(Op::less, {in[0], g.constant(0)}), g.constant(-HUGE_VAL), inside});
}

struct Entry {
  FormulaWord word;
  Function function;
};

constexpr Entry entry(std::string_view name, std::string_view arguments, std::string_view meaning,
                      std::size_t least, std::size_t most, Id (*build)(Builder&, In)) {
  return {{name, arguments, meaning}, {name, least, most, build}};
}

constexpr std::array entries{
    entry("exp", "a", "e^a", 1, 1, &direct<Op::exp>),
    entry("log", "a", "the natural logarithm", 1, 1,
          [](Builder& b, In in) { return log_of(b, in[0]); }),
    entry("ln", "a", "the same", 1, 1, [](Builder& b, In in) { return log_of(b, in[0]); }),
    entry("log2", "a", "the logarithm to base 2", 1, 1,
          [](Builder& b, In in) { return b.graph.scaled(log_of(b, in[0]), std::numbers::log2e); }),
    entry("log10", "a", "the logarithm to base 10", 1, 1,
          [](Builder& b, In in) { return b.graph.scaled(log_of(b, in[0]), std::numbers::log10e); }),
    entry("log1p", "a", "ln(1 + a), precise near 0", 1, 1,
          [](Builder& b, In in) { return log1p_of(b, in[0]); }),
    entry("expm1", "a", "e^a - 1, precise near 0", 1, 1, &direct<Op::expm1>),
    entry("sqrt", "a", "the square root; at 0 its derivative is taken as 0", 1, 1,
          &direct<Op::sqrt>),
    entry("square", "a", "a^2", 1, 1, &direct<Op::square>),
    entry("pow", "a, b", "a^b", 2, 2,
          [](Builder& b, In in) { return b.graph.power(in[0], in[1]); }),
    entry("abs", "a", "|a|", 1, 1, &direct<Op::abs>),
    entry("sign", "a", "-1, 0 or 1", 1, 1, &direct<Op::sign>),
    entry("min", "a, ...", "the smallest", 1, any_number, &extreme<Op::min>),
    entry("max", "a, ...", "the largest", 1, any_number, &extreme<Op::max>),
    entry("hypot", "a, ...", "sqrt(a^2 + ...)", 1, any_number, &norm),
    entry("sin", "a", "the sine", 1, 1, &direct<Op::sin>),
    entry("cos", "a", "the cosine", 1, 1, &direct<Op::cos>),
    entry("tan", "a", "the tangent", 1, 1, &direct<Op::tan>),
    entry("asin", "a", "the angle of a sine", 1, 1, &direct<Op::asin>),
    entry("acos", "a", "the angle of a cosine", 1, 1, &direct<Op::acos>),
    entry("atan", "a", "the angle of a tangent", 1, 1, &direct<Op::atan>),
    entry("atan2", "y, x", "the angle of the point (x, y)", 2, 2, &direct<Op::atan2>),
    entry("sinh", "a", "the hyperbolic sine", 1, 1, &direct<Op::sinh>),
    entry("cosh", "a", "the hyperbolic cosine", 1, 1, &direct<Op::cosh>),
    entry("tanh", "a", "the hyperbolic tangent", 1, 1, &direct<Op::tanh>),
    entry("erf", "a", "the error function", 1, 1, &direct<Op::erf>),
    entry("erfc", "a", "1 - erf(a), precise far out", 1, 1, &direct<Op::erfc>),
    entry("normal_cdf", "a", "the distribution function of the standard normal", 1, 1,
          [](Builder& b, In in) { return normal_cdf(b, in[0]); }),
    entry("Phi", "a", "the same", 1, 1, [](Builder& b, In in) { return normal_cdf(b, in[0]); }),
    entry("lgamma", "a", "ln of the gamma function", 1, 1, &direct<Op::lgamma>),
    entry("logistic", "a", "1/(1 + e^-a)", 1, 1, &direct<Op::logistic>),
    entry("inv_logit", "a", "the same", 1, 1, &direct<Op::logistic>),
    entry("softplus", "a", "ln(1 + e^a)", 1, 1, &direct<Op::softplus>),
    entry("log1p_exp", "a", "the same", 1, 1, &direct<Op::softplus>),
    entry("logsumexp", "a, ...", "ln(e^a + ...)", 1, any_number,
          [](Builder& b, In in) {
            return b.graph.log_sum_exp({in.begin(), in.end()});
          }),
    entry("log_sum_exp", "a, ...", "the same", 1, any_number,
          [](Builder& b, In in) {
            return b.graph.log_sum_exp({in.begin(), in.end()});
          }),
    entry("log_diff_exp", "a, b", "ln(e^a - e^b)", 2, 2, &direct<Op::log_diff_exp>),
    entry("where", "c, a, b", "a where c holds, else b; as c ? a : b", 3, 3, &direct<Op::select>),
    entry("normal_pdf", "x, mean, sd", "the density of a normal distribution", 3, 3,
          [](Builder& b, In in) { return b.graph.make(Op::exp, {normal_lpdf(b, in)}); }),
    entry("normal_lpdf", "x, mean, sd", "its logarithm", 3, 3, &normal_lpdf),
    entry("student_t_lpdf", "x, nu, mean, scale", "ln of the density of Student's t", 4, 4,
          &student_t_lpdf),
    entry("cauchy_lpdf", "x, location, scale", "ln of the density of Cauchy's distribution", 3, 3,
          &cauchy_lpdf),
    entry("exponential_lpdf", "x, rate", "ln of the density of the exponential distribution", 2, 2,
          &exponential_lpdf),
};

constexpr std::array constants{
    Constant{"pi", std::numbers::pi},
    Constant{"e", std::numbers::e},
};

}  // namespace

const Function* find_function(std::string_view name) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& e) { return e.word.name == name; });
  return found == entries.end() ? nullptr : &found->function;
}

const Constant* find_constant(std::string_view name) {
  const auto found = std::find_if(constants.begin(), constants.end(),
                                  [&](const Constant& c) { return c.name == name; });
  return found == constants.end() ? nullptr : &*found;
}

}  // namespace formula

std::span<const FormulaWord> formula_words() {
  static const auto words = [] {
    std::vector<FormulaWord> all;
    for (const auto& e : formula::entries) all.push_back(e.word);
    all.push_back({"pi", "", "3.14159..."});
    all.push_back({"e", "", "2.71828..., where it is no coordinate"});
    return all;
  }();
  return words;
}

}  // namespace riffle
