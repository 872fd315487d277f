#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <vector>

namespace riffle::formula {

/// What a node of a formula computes from its operands a, b, c, ...
enum class Op : std::uint8_t {
  constant,    ///< scale
  coordinate,  ///< the shift-th
  affine,      ///< scale·a + shift
  square,
  power,  ///< a^scale, scale a whole number other than 0, 1 and 2
  reciprocal,
  sqrt,
  exp,
  log,
  log1p,
  expm1,
  tanh,
  logistic,  ///< 1/(1 + e^-a)
  softplus,  ///< ln(1 + e^a)
  abs,
  sign,
  sin,
  cos,
  sinh,
  cosh,
  add,
  subtract,
  multiply,
  divide,
  min,
  max,
  log_diff_exp,  ///< ln(e^a - e^b); NaN where b > a
  less,          ///< 1 or 0, as the following two
  less_equal,
  equal,
  select,       ///< a != 0 ? b : c
  log_sum_exp,  ///< ln(e^a + e^b + ...)
  // These and all that follow are computed by the C++ library, sample by sample.
  tan,
  asin,
  acos,
  atan,
  erf,
  erfc,
  log_erfc,
  lgamma,
  atan2,
  pow,
};

using Id = std::uint32_t;

enum class Sign : std::uint8_t { unknown, nonnegative, nonpositive };

struct Node {
  Op op;
  double scale = 0;
  double shift = 0;
  std::uint32_t first = 0;  ///< operand, in the graph's list of operands
  std::uint32_t count = 0;
  Sign sign = Sign::unknown;  ///< wherever it has a value
  /// Whether it shrinks or grows exponentially somewhere, so that its logarithm is better computed
  /// from that of its parts than from its value.
  bool exponential = false;
};

/// A formula as a directed graph without cycles: operands come before what is made of them, and
/// what is the same is there once. Whatever has no coordinate in it is a constant.
class Graph {
 public:
  static constexpr std::size_t most_nodes = 20'000;

  static constexpr std::size_t most_operands = 8 * most_nodes;

  /// What is thrown where there are more.
  struct TooLarge {};

  const Node& operator[](Id id) const { return nodes_[id]; }
  std::span<const Id> operands(Id id) const {
    return std::span(operands_).subspan(nodes_[id].first, nodes_[id].count);
  }
  std::size_t size() const { return nodes_.size(); }
  /// Of how many nodes it is an operand.
  std::size_t uses(Id id) const { return uses_[id]; }
  bool is_constant(Id id) const { return nodes_[id].op == Op::constant; }
  bool is_constant(Id id, double value) const {
    return is_constant(id) && nodes_[id].scale == value;
  }

  Id constant(double value);
  Id coordinate(std::size_t index);
  /// Of an op without numbers of its own, simplified where it can be.
  Id make(Op op, std::vector<Id> operands);
  Id add(Id a, Id b);
  Id subtract(Id a, Id b);
  Id multiply(Id a, Id b);
  Id divide(Id a, Id b);
  Id scaled(Id a, double scale);
  Id shifted(Id a, double shift);
  Id negative(Id a) { return scaled(a, -1); }
  /// a^b with the meaning of std::pow.
  Id power(Id a, Id b);
  Id whole_power(Id a, double n);
  Id log_sum_exp(std::vector<Id> terms);

 private:
  using Key = std::tuple<Op, double, double, std::vector<Id>>;

  Id node(Op op, std::vector<Id> operands, double scale = 0, double shift = 0);
  double value_of(Op op, std::span<const Id> operands, double scale, double shift) const;
  Sign sign_of(Op op, std::span<const Id> operands, double scale, double shift) const;
  bool is_exponential(Op op, std::span<const Id> operands, double scale) const;

  std::vector<Node> nodes_;
  std::vector<Id> operands_;
  std::vector<std::uint32_t> uses_;
  std::map<Key, Id> known_;
};

}  // namespace riffle::formula
