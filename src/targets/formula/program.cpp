#include "targets/formula/program.h"

#include <cassert>

namespace riffle::formula {
namespace {

/// Whether the k-th operand has a share in the derivative.
bool is_differentiable(Op op, std::size_t k) {
  switch (op) {
    case Op::sign:
    case Op::less:
    case Op::less_equal:
    case Op::equal:
      return false;
    case Op::select:
      return k > 0;
    default:
      return true;
  }
}

/// Rows that the way back needs beside the value.
std::uint32_t slope_rows(Op op, std::uint32_t operands) {
  switch (op) {
    case Op::constant:
    case Op::coordinate:
    case Op::affine:
    case Op::square:
    case Op::exp:
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::min:
    case Op::max:
    case Op::sign:
    case Op::less:
    case Op::less_equal:
    case Op::equal:
    case Op::select:
      return 0;
    case Op::log_diff_exp:
    case Op::atan2:
    case Op::pow:
      return 2;
    case Op::log_sum_exp:
      return operands;
    default:
      return 1;
  }
}

}  // namespace

Program make_program(const Graph& graph, Id root, std::size_t dim) {
  constexpr auto none = Step::none;
  Program program;
  program.dim = dim;
  const std::size_t n = std::size_t{root} + 1;
  std::vector<char> used(n, 0);
  std::vector<char> asked(n, 0);  // for a derivative
  used[root] = asked[root] = 1;
  for (std::size_t i = n; i-- > 0;) {
    if (!used[i]) continue;
    const auto id = static_cast<Id>(i);
    const auto in = graph.operands(id);
    for (std::size_t k = 0; k < in.size(); ++k) {
      used[in[k]] = 1;
      if (asked[i] && is_differentiable(graph[id].op, k) && !graph.is_constant(in[k])) {
        asked[in[k]] = 1;
      }
    }
  }

  std::uint32_t rows = static_cast<std::uint32_t>(dim);
  std::vector<std::uint32_t> value(n, none);
  std::vector<std::uint32_t> adjoint(n, none);
  program.coordinate_adjoints.assign(dim, none);
  for (std::size_t i = 0; i < n; ++i) {
    if (!used[i]) continue;
    const auto& node = graph[static_cast<Id>(i)];
    if (asked[i]) adjoint[i] = rows++;
    if (node.op == Op::coordinate) {
      value[i] = static_cast<std::uint32_t>(node.shift);
      program.coordinate_adjoints[value[i]] = adjoint[i];
      continue;
    }
    value[i] = rows++;
    const auto more = slope_rows(node.op, node.count);
    Step step{node.op,
              node.scale,
              node.shift,
              value[i],
              more == 0 ? value[i] : rows,
              adjoint[i],
              static_cast<std::uint32_t>(program.operands.size()),
              node.count};
    rows += more;
    for (std::size_t k = 0; k < node.count; ++k) {
      const Id in = graph.operands(static_cast<Id>(i))[k];
      const bool back = asked[i] && is_differentiable(node.op, k);
      program.operands.push_back({value[in], back ? adjoint[in] : none, false});
    }
    program.steps.push_back(step);
    program.guarded |= node.op == Op::select || node.op == Op::log_sum_exp || node.op == Op::min ||
                       node.op == Op::max;
  }
  // On the way back the last step comes first.
  std::vector<char> met(rows, 0);
  for (auto step = program.steps.rbegin(); step != program.steps.rend(); ++step) {
    for (std::uint32_t k = 0; k < step->count; ++k) {
      auto& operand = program.operands[step->first + k];
      if (operand.adjoint == none) continue;
      operand.is_first = met[operand.adjoint] == 0;
      met[operand.adjoint] = 1;
    }
  }
  program.result = value[root];
  program.result_adjoint = adjoint[root];
  program.rows = rows;
  return program;
}

}  // namespace riffle::formula
