#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "targets/formula/graph.h"

namespace riffle::formula {

/// One node of a graph as it is computed over rows of samples. Rows are numbered; those of the
/// coordinates come first.
struct Step {
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  Op op;
  double scale;
  double shift;
  std::uint32_t value;    ///< its row
  std::uint32_t slope;    ///< the first of the rows that hold what the way back needs
  std::uint32_t adjoint;  ///< the row of ∂/∂value; `none` where nobody asks
  std::uint32_t first;    ///< operand, in Program::operands
  std::uint32_t count;
};

/// What a step reads, and where on the way back its share goes.
struct Operand {
  std::uint32_t value;
  std::uint32_t adjoint;  ///< Step::none where there is no derivative
  bool is_first;          ///< whether the share is the first to come, and is not added to others
};

/// A graph in the order it is evaluated, forwards and, for the gradient, backwards.
struct Program {
  std::size_t dim = 0;
  std::vector<Step> steps;
  std::vector<Operand> operands;
  std::vector<std::uint32_t> coordinate_adjoints;  ///< Step::none of one that is not used
  std::uint32_t result = 0;                        ///< row of the value
  std::uint32_t result_adjoint = 0;
  std::size_t rows = 0;
  /// Whether parts may have no value where they do not count, so that 0 times whatever is 0.
  bool guarded = false;
};

Program make_program(const Graph& graph, Id root, std::size_t dim);

}  // namespace riffle::formula
