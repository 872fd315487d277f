#include "targets/formula/log_transform.h"

#include <cmath>
#include <functional>
#include <numbers>

namespace riffle::formula {
namespace {

/// Nodes with a number each, the latest first: each node is expanded once, however often it occurs.
using Terms = std::map<Id, double, std::greater<>>;

/// A product as a coefficient and powers of nodes that are no products.
struct Product {
  double coefficient = 1;
  Terms exponents;
};

/// Whether a part has a logarithm of its own: what several nodes are made of is not taken apart in
/// each of them, or there would be no end to it.
bool is_shared(const Graph& graph, Id id) {
  return graph.uses(id) > 1 && graph[id].exponential && graph[id].sign != Sign::unknown;
}

void add_factor(Terms& terms, Id id, double exponent) {
  terms[id] += exponent;
}

Product factors_of(const Graph& graph, Id id) {
  Product product;
  Terms open{{id, 1.0}};
  while (!open.empty()) {
    const auto [at, exponent] = *open.begin();
    open.erase(open.begin());
    if (exponent == 0) continue;
    const auto& node = graph[at];
    const auto in = graph.operands(at);
    const bool whole = exponent == std::floor(exponent);
    // (a²)^½ is |a|, so that powers other than whole ones end at what can be negative.
    const bool open_power = whole || graph[in.empty() ? at : in[0]].sign == Sign::nonnegative;
    if (at != id && is_shared(graph, at)) {
      product.exponents[at] += exponent;
    } else if (node.op == Op::constant && node.scale > 0) {
      product.coefficient *= std::pow(node.scale, exponent);
    } else if (node.op == Op::multiply &&
               (whole || (open_power && graph[in[1]].sign == Sign::nonnegative))) {
      add_factor(open, in[0], exponent);
      add_factor(open, in[1], exponent);
    } else if (node.op == Op::divide &&
               (whole || (open_power && graph[in[1]].sign == Sign::nonnegative))) {
      add_factor(open, in[0], exponent);
      add_factor(open, in[1], -exponent);
    } else if (node.op == Op::square && open_power) {
      add_factor(open, in[0], 2 * exponent);
    } else if (node.op == Op::power && open_power) {
      add_factor(open, in[0], node.scale * exponent);
    } else if (node.op == Op::reciprocal && open_power) {
      add_factor(open, in[0], -exponent);
    } else if (node.op == Op::sqrt && graph[in[0]].sign == Sign::nonnegative) {
      add_factor(open, in[0], exponent / 2);
    } else if (node.op == Op::pow && graph.is_constant(in[1]) &&
               graph[in[0]].sign == Sign::nonnegative) {
      add_factor(open, in[0], graph[in[1]].scale * exponent);
    } else if (node.op == Op::affine && node.shift == 0 && (whole || node.scale > 0)) {
      product.coefficient *= std::pow(node.scale, exponent);
      add_factor(open, in[0], exponent);
    } else {
      product.exponents[at] += exponent;
    }
  }
  return product;
}

/// A sum as a constant and multiples of nodes that are no sums.
struct Sum {
  double constant = 0;
  Terms coefficients;
};

Sum terms_of(const Graph& graph, Id id, double sign) {
  Sum sum;
  Terms open{{id, sign}};
  while (!open.empty()) {
    const auto [at, coefficient] = *open.begin();
    open.erase(open.begin());
    if (coefficient == 0) continue;
    const auto& node = graph[at];
    const auto in = graph.operands(at);
    if (at != id && is_shared(graph, at)) {
      sum.coefficients[at] += coefficient;
    } else if (node.op == Op::constant) {
      sum.constant += coefficient * node.scale;
    } else if (node.op == Op::add) {
      open[in[0]] += coefficient;
      open[in[1]] += coefficient;
    } else if (node.op == Op::subtract) {
      open[in[0]] += coefficient;
      open[in[1]] -= coefficient;
    } else if (node.op == Op::affine) {
      sum.constant += coefficient * node.shift;
      open[in[0]] += coefficient * node.scale;
    } else {
      sum.coefficients[at] += coefficient;
    }
  }
  return sum;
}

bool is_product(const Node& node) {
  switch (node.op) {
    case Op::multiply:
    case Op::divide:
    case Op::square:
    case Op::power:
    case Op::reciprocal:
    case Op::sqrt:
    case Op::pow:
      return true;
    case Op::affine:
      return node.shift == 0;
    default:
      return false;
  }
}

}  // namespace

std::optional<Id> LogTransform::known(Wanted wanted, Missing& missing) const {
  const auto found = done_.find(wanted);
  if (found != done_.end()) return found->second;
  missing.push_back(wanted);
  return std::nullopt;
}

Id LogTransform::plain(Wanted wanted) {
  return graph_.make(Op::log, {wanted.negative ? graph_.negative(wanted.id) : wanted.id});
}

std::optional<Id> LogTransform::of_product(Wanted wanted, Missing& missing) {
  auto product = factors_of(graph_, wanted.id);
  if (product.exponents.size() == 1 && product.exponents.begin()->first == wanted.id) {
    return plain(wanted);
  }
  double coefficient = wanted.negative ? -product.coefficient : product.coefficient;
  // What has a logarithm of its own, with its weight, and the rest, of which one is taken.
  std::vector<std::pair<Wanted, double>> parts;
  std::vector<std::pair<Id, double>> weighted_nodes;  // |node| or node, whose plain log is taken
  std::vector<std::pair<Id, double>> rest;
  for (const auto& [id, exponent] : product.exponents) {
    if (exponent == 0) continue;
    const auto& node = graph_[id];
    const bool whole = exponent == std::floor(exponent);
    const bool even = whole && std::fmod(exponent, 2) == 0;
    if (node.exponential && node.sign == Sign::nonnegative) {
      parts.push_back({{id, false}, exponent});
    } else if (node.exponential && node.sign == Sign::nonpositive && whole) {
      parts.push_back({{id, true}, exponent});
      if (!even) coefficient = -coefficient;
    } else if (even || node.sign == Sign::nonnegative || !whole) {
      if (std::abs(exponent) == 1) {
        rest.emplace_back(id, exponent);
      } else {
        weighted_nodes.emplace_back(id, exponent);
      }
    } else {
      rest.emplace_back(id, exponent);
    }
  }
  bool complete = true;
  for (const auto& part : parts) complete &= known(part.first, missing).has_value();
  if (!complete) return std::nullopt;

  if (rest.empty() && coefficient < 0) return graph_.constant(std::nan(""));
  Id sum = graph_.constant(coefficient == 0 ? -HUGE_VAL : std::log(std::abs(coefficient)));
  if (!rest.empty()) {
    Id value = graph_.constant(coefficient < 0 ? -1 : 1);
    for (const auto& [id, exponent] : rest) {
      const Id power = graph_.whole_power(id, std::abs(exponent));
      value = exponent > 0 ? graph_.multiply(value, power) : graph_.divide(value, power);
    }
    sum = graph_.add(sum, graph_.make(Op::log, {value}));
  }
  for (const auto& [id, exponent] : weighted_nodes) {
    const bool even = std::fmod(exponent, 2) == 0;
    const Id base = even ? graph_.make(Op::abs, {id}) : id;
    sum = graph_.add(sum, graph_.scaled(graph_.make(Op::log, {base}), exponent));
  }
  for (const auto& [part, exponent] : parts) {
    sum = graph_.add(sum, graph_.scaled(done_.at(part), exponent));
  }
  return sum;
}

std::optional<Id> LogTransform::of_sum(Wanted wanted, Missing& missing) {
  const auto sum = terms_of(graph_, wanted.id, wanted.negative ? -1 : 1);
  std::vector<std::pair<Wanted, double>> terms;  // exponential ones, with coefficients
  std::vector<std::pair<Id, double>> rest;
  bool rest_is_nonnegative = sum.constant >= 0;
  bool rest_is_nonpositive = sum.constant <= 0;
  for (const auto& [id, coefficient] : sum.coefficients) {
    if (coefficient == 0) continue;
    const auto& node = graph_[id];
    if (node.sign == Sign::unknown) return plain(wanted);
    const bool negative_node = node.sign == Sign::nonpositive;
    const bool negative = (coefficient < 0) != negative_node;
    if (node.exponential) {
      terms.push_back(
          {{id, negative_node}, negative ? -std::abs(coefficient) : std::abs(coefficient)});
    } else {
      rest.emplace_back(id, coefficient);
      rest_is_nonnegative &= !negative;
      rest_is_nonpositive &= negative;
    }
  }
  if (terms.empty() || (!rest_is_nonnegative && !rest_is_nonpositive)) return plain(wanted);
  bool complete = true;
  for (const auto& term : terms) complete &= known(term.first, missing).has_value();
  if (!complete) return std::nullopt;

  std::vector<Id> positive;
  std::vector<Id> negative;
  for (const auto& [term, coefficient] : terms) {
    (coefficient < 0 ? negative : positive)
        .push_back(graph_.shifted(done_.at(term), std::log(std::abs(coefficient))));
  }
  if (!rest.empty() || sum.constant != 0) {
    const double sign = rest_is_nonnegative ? 1 : -1;
    Id value = graph_.constant(sign * sum.constant);
    for (const auto& [id, coefficient] : rest) {
      value = graph_.add(graph_.scaled(id, sign * coefficient), value);
    }
    (rest_is_nonnegative ? positive : negative).push_back(graph_.make(Op::log, {value}));
  }
  if (positive.empty()) return graph_.constant(std::nan(""));
  const Id above = graph_.log_sum_exp(std::move(positive));
  if (negative.empty()) return above;
  return graph_.make(Op::log_diff_exp, {above, graph_.log_sum_exp(std::move(negative))});
}

std::optional<Id> LogTransform::attempt(Wanted wanted, Missing& missing) {
  const Node node = graph_[wanted.id];
  if (is_product(node)) return of_product(wanted, missing);
  if (!node.exponential) return plain(wanted);
  const std::vector<Id> in(graph_.operands(wanted.id).begin(), graph_.operands(wanted.id).end());
  switch (node.op) {
    case Op::add:
    case Op::subtract:
    case Op::affine:
      return of_sum(wanted, missing);
    case Op::select: {
      const auto yes = known({in[1], wanted.negative}, missing);
      const auto no = known({in[2], wanted.negative}, missing);
      if (!yes || !no) return std::nullopt;
      return graph_.make(Op::select, {in[0], *yes, *no});
    }
    default:
      break;
  }
  if (wanted.negative) return plain(wanted);
  switch (node.op) {
    case Op::exp:
      return in[0];
    case Op::logistic:
      return graph_.negative(graph_.make(Op::softplus, {graph_.negative(in[0])}));
    case Op::erfc:
      return graph_.make(Op::log_erfc, in);
    case Op::cosh: {
      // |a| + ln(1 + e^(-2|a|)) - ln 2.
      const Id size = graph_.make(Op::abs, {in[0]});
      const Id rest = graph_.make(Op::softplus, {graph_.scaled(size, -2)});
      return graph_.shifted(graph_.add(size, rest), -std::numbers::ln2);
    }
    case Op::min:
    case Op::max: {
      if (graph_[in[0]].sign != Sign::nonnegative || graph_[in[1]].sign != Sign::nonnegative) {
        return plain(wanted);
      }
      const auto a = known({in[0], false}, missing);
      const auto b = known({in[1], false}, missing);
      if (!a || !b) return std::nullopt;
      return graph_.make(node.op, {*a, *b});
    }
    default:
      return plain(wanted);
  }
}

Id LogTransform::log_of(Id id) {
  std::vector<Wanted> open{{id, false}};
  while (!open.empty()) {
    const auto wanted = open.back();
    if (done_.contains(wanted)) {
      open.pop_back();
      continue;
    }
    Missing missing;
    if (const auto result = attempt(wanted, missing)) {
      done_.emplace(wanted, *result);
      open.pop_back();
    } else {
      // Not insert(): GCC 14 takes its memmove for one that overflows.
      for (const auto& first : missing) open.push_back(first);
    }
  }
  return done_.at({id, false});
}

}  // namespace riffle::formula
