#include "targets/formula/graph.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "targets/formula/special_functions.h"

namespace riffle::formula {
namespace {

/// Scales that can be drawn out of a square without leaving what float can hold.
bool is_moderate(double scale) {
  return std::abs(scale) >= 1e-3 && std::abs(scale) <= 1e3;
}

bool is_commutative(Op op) {
  return op == Op::add || op == Op::multiply || op == Op::min || op == Op::max || op == Op::equal;
}

Sign opposite(Sign sign) {
  if (sign == Sign::unknown) return sign;
  return sign == Sign::nonnegative ? Sign::nonpositive : Sign::nonnegative;
}

Sign sign_of_value(double value) {
  if (value >= 0) return Sign::nonnegative;
  return value < 0 ? Sign::nonpositive : Sign::unknown;
}

Sign sign_of_product(Sign a, Sign b) {
  if (a == Sign::unknown || b == Sign::unknown) return Sign::unknown;
  return a == b ? Sign::nonnegative : Sign::nonpositive;
}

Sign if_same(Sign a, Sign b) {
  return a == b ? a : Sign::unknown;
}

bool is_even(double n) {
  return std::fmod(n, 2) == 0;
}

}  // namespace

Sign Graph::sign_of(Op op, std::span<const Id> in, double scale, double shift) const {
  const auto of = [&](std::size_t k) { return nodes_[in[k]].sign; };
  switch (op) {
    case Op::constant:
      return sign_of_value(scale);
    case Op::affine: {
      const auto scaled = sign_of_product(sign_of_value(scale), of(0));
      return shift == 0 ? scaled : if_same(scaled, sign_of_value(shift));
    }
    case Op::square:
    case Op::sqrt:
    case Op::exp:
    case Op::logistic:
    case Op::softplus:
    case Op::abs:
    case Op::cosh:
    case Op::less:
    case Op::less_equal:
    case Op::equal:
    case Op::erfc:
      return Sign::nonnegative;
    case Op::power:
      return is_even(scale) ? Sign::nonnegative : of(0);
    case Op::reciprocal:
    case Op::log1p:
    case Op::expm1:
    case Op::tanh:
    case Op::sign:
    case Op::sinh:
    case Op::atan:
    case Op::erf:
      return of(0);
    case Op::add:
      return if_same(of(0), of(1));
    case Op::subtract:
      return if_same(of(0), opposite(of(1)));
    case Op::multiply:
    case Op::divide:
      return sign_of_product(of(0), of(1));
    case Op::min:
      return of(0) == Sign::nonpositive || of(1) == Sign::nonpositive ? Sign::nonpositive
                                                                      : if_same(of(0), of(1));
    case Op::max:
      return of(0) == Sign::nonnegative || of(1) == Sign::nonnegative ? Sign::nonnegative
                                                                      : if_same(of(0), of(1));
    case Op::select:
      return if_same(of(1), of(2));
    case Op::pow:
      return of(0) == Sign::nonnegative ? Sign::nonnegative : Sign::unknown;
    default:
      return Sign::unknown;
  }
}

bool Graph::is_exponential(Op op, std::span<const Id> in, double scale) const {
  switch (op) {
    case Op::exp:
    case Op::logistic:
    case Op::erfc:
    case Op::cosh:
      return true;
    case Op::affine:
      return scale != 0 && nodes_[in[0]].exponential;
    case Op::square:
    case Op::power:
    case Op::reciprocal:
    case Op::sqrt:
    case Op::abs:
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::divide:
    case Op::min:
    case Op::max:
    case Op::pow:
      return std::any_of(in.begin(), in.end(), [&](Id id) { return nodes_[id].exponential; });
    case Op::select:
      return nodes_[in[1]].exponential || nodes_[in[2]].exponential;
    default:
      return false;
  }
}

double Graph::value_of(Op op, std::span<const Id> in, double scale, double shift) const {
  const auto of = [&](std::size_t k) { return nodes_[in[k]].scale; };
  const double a = in.empty() ? 0 : of(0);
  const double b = in.size() > 1 ? of(1) : 0;
  switch (op) {
    case Op::affine:
      return scale * a + shift;
    case Op::square:
      return a * a;
    case Op::power:
      return std::pow(a, scale);
    case Op::reciprocal:
      return 1 / a;
    case Op::sqrt:
      return std::sqrt(a);
    case Op::exp:
      return std::exp(a);
    case Op::log:
      return std::log(a);
    case Op::log1p:
      return std::log1p(a);
    case Op::expm1:
      return std::expm1(a);
    case Op::tanh:
      return std::tanh(a);
    case Op::logistic:
      return 1 / (1 + std::exp(-a));
    case Op::softplus:
      return std::max(a, 0.0) + std::log1p(std::exp(-std::abs(a)));
    case Op::abs:
      return std::abs(a);
    case Op::sign:
      return a < 0 ? -1 : a > 0 ? 1 : a;
    case Op::sin:
      return std::sin(a);
    case Op::cos:
      return std::cos(a);
    case Op::sinh:
      return std::sinh(a);
    case Op::cosh:
      return std::cosh(a);
    case Op::add:
      return a + b;
    case Op::subtract:
      return a - b;
    case Op::multiply:
      return a * b;
    case Op::divide:
      return a / b;
    case Op::min:
      return b < a ? b : a;
    case Op::max:
      return a < b ? b : a;
    case Op::log_diff_exp:
      return a + std::log(-std::expm1(b - a));
    case Op::less:
      return a < b ? 1 : 0;
    case Op::less_equal:
      return a <= b ? 1 : 0;
    case Op::equal:
      return a == b ? 1 : 0;
    case Op::select:
      return a != 0 ? b : of(2);
    case Op::log_sum_exp: {
      double largest = a;
      for (const Id id : in) largest = std::max(largest, nodes_[id].scale);
      if (std::isinf(largest)) return largest;
      double sum = 0;
      for (const Id id : in) sum += std::exp(nodes_[id].scale - largest);
      return largest + std::log(sum);
    }
    default: {
      double value = 0;
      double slope = 0;
      double slope_b = 0;
      if (in.size() == 1) {
        special_unary(op, &a, &value, &slope, 1);
      } else {
        special_binary(op, &a, &b, &value, &slope, &slope_b, 1);
      }
      return value;
    }
  }
}

Id Graph::node(Op op, std::vector<Id> in, double scale, double shift) {
  if (is_commutative(op) && in[1] < in[0]) std::swap(in[0], in[1]);
  if (op != Op::constant && op != Op::coordinate &&
      std::all_of(in.begin(), in.end(), [&](Id id) { return is_constant(id); })) {
    return constant(value_of(op, in, scale, shift));
  }
  Key key{op, scale, shift, in};
  // NaN is not in order with other numbers.
  const bool comparable = !std::isnan(scale);
  if (comparable) {
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
  }
  if (nodes_.size() >= most_nodes || operands_.size() + in.size() > most_operands) {
    throw TooLarge();
  }
  const auto id = static_cast<Id>(nodes_.size());
  const auto sign = sign_of(op, in, scale, shift);
  const bool exponential = is_exponential(op, in, scale);
  nodes_.push_back({op, scale, shift, static_cast<std::uint32_t>(operands_.size()),
                    static_cast<std::uint32_t>(in.size()), sign, exponential});
  operands_.insert(operands_.end(), in.begin(), in.end());
  uses_.push_back(0);
  for (const Id operand : in) ++uses_[operand];
  if (comparable) known_.emplace(std::move(key), id);
  return id;
}

Id Graph::constant(double value) {
  return node(Op::constant, {}, value);
}

Id Graph::coordinate(std::size_t index) {
  return node(Op::coordinate, {}, 0, static_cast<double>(index));
}

Id Graph::scaled(Id a, double scale) {
  if (scale == 1) return a;
  if (scale == 0) return constant(0);
  const Node& n = nodes_[a];
  if (n.op == Op::affine && n.shift == 0) return scaled(operands(a)[0], scale * n.scale);
  // -(a - b) = b - a.
  if (n.op == Op::subtract && scale == -1) {
    const auto in = operands(a);
    return node(Op::subtract, {in[1], in[0]});
  }
  return node(Op::affine, {a}, scale, 0);
}

Id Graph::shifted(Id a, double shift) {
  if (shift == 0) return a;
  const Node& n = nodes_[a];
  if (n.op == Op::affine && n.shift == 0) {
    const double scale = n.scale;
    return node(Op::affine, {operands(a)[0]}, scale, shift);
  }
  return node(Op::affine, {a}, 1, shift);
}

Id Graph::add(Id a, Id b) {
  if (is_constant(b)) return shifted(a, nodes_[b].scale);
  if (is_constant(a)) return shifted(b, nodes_[a].scale);
  if (a == b) return scaled(a, 2);
  const auto is_negative = [&](Id id) {
    return nodes_[id].op == Op::affine && nodes_[id].scale == -1 && nodes_[id].shift == 0;
  };
  if (is_negative(b)) return node(Op::subtract, {a, operands(b)[0]});
  if (is_negative(a)) return node(Op::subtract, {b, operands(a)[0]});
  return node(Op::add, {a, b});
}

Id Graph::subtract(Id a, Id b) {
  if (is_constant(b)) return shifted(a, -nodes_[b].scale);
  if (is_constant(a)) return shifted(negative(b), nodes_[a].scale);
  if (a == b) return constant(0);
  return add(a, negative(b));
}

Id Graph::multiply(Id a, Id b) {
  if (is_constant(b)) return scaled(a, nodes_[b].scale);
  if (is_constant(a)) return scaled(b, nodes_[a].scale);
  if (a == b) return make(Op::square, {a});
  return node(Op::multiply, {a, b});
}

Id Graph::divide(Id a, Id b) {
  if (is_constant(b)) {
    const double inverse = 1 / nodes_[b].scale;
    if (std::isnormal(inverse)) return scaled(a, inverse);
    if (is_constant(a)) return constant(nodes_[a].scale / nodes_[b].scale);
    return scaled(a, inverse);
  }
  if (is_constant(a)) return scaled(make(Op::reciprocal, {b}), nodes_[a].scale);
  return node(Op::divide, {a, b});
}

Id Graph::make(Op op, std::vector<Id> in) {
  switch (op) {
    case Op::square: {
      const Node n = nodes_[in[0]];
      if (n.op == Op::affine && n.shift == 0 && is_moderate(n.scale)) {
        return scaled(node(Op::square, {operands(in[0])[0]}), n.scale * n.scale);
      }
      if (n.op == Op::abs) return node(Op::square, {operands(in[0])[0]});
      break;
    }
    case Op::abs:
      if (nodes_[in[0]].sign == Sign::nonnegative) return in[0];
      break;
    case Op::select:
      if (is_constant(in[0])) return nodes_[in[0]].scale != 0 ? in[1] : in[2];
      break;
    default:
      break;
  }
  return node(op, std::move(in));
}

Id Graph::whole_power(Id a, double n) {
  if (n == 0) return constant(1);
  if (n == 1) return a;
  if (n == 2) return make(Op::square, {a});
  if (n == -1) return make(Op::reciprocal, {a});
  return node(Op::power, {a}, n);
}

Id Graph::power(Id a, Id b) {
  constexpr double largest_whole = 1024;
  if (is_constant(b)) {
    const double n = nodes_[b].scale;
    if (n == std::floor(n) && std::abs(n) <= largest_whole) return whole_power(a, n);
    if (n == 0.5) return make(Op::sqrt, {a});
    if (n == -0.5) return make(Op::reciprocal, {make(Op::sqrt, {a})});
  } else if (is_constant(a) && nodes_[a].scale > 0) {
    const double base = nodes_[a].scale;
    return make(Op::exp, {base == std::exp(1.0) ? b : scaled(b, std::log(base))});
  }
  return node(Op::pow, {a, b});
}

Id Graph::log_sum_exp(std::vector<Id> terms) {
  std::sort(terms.begin(), terms.end());
  // Those that vanish say nothing, and those that are there more than once are multiples.
  std::vector<Id> kept;
  for (std::size_t i = 0; i < terms.size();) {
    std::size_t same = i + 1;
    while (same < terms.size() && terms[same] == terms[i]) ++same;
    if (!(is_constant(terms[i]) && nodes_[terms[i]].scale == -HUGE_VAL)) {
      kept.push_back(shifted(terms[i], std::log(static_cast<double>(same - i))));
    }
    i = same;
  }
  if (kept.empty()) return constant(-HUGE_VAL);
  if (kept.size() == 1) return kept[0];
  if (kept.size() == 2 && is_constant(kept[0]) != is_constant(kept[1])) {
    const Id c = is_constant(kept[0]) ? kept[0] : kept[1];
    const Id x = is_constant(kept[0]) ? kept[1] : kept[0];
    const double value = nodes_[c].scale;
    return shifted(make(Op::softplus, {shifted(x, -value)}), value);
  }
  return node(Op::log_sum_exp, std::move(kept));
}

}  // namespace riffle::formula
