#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "targets/formula/formula.h"
#include "targets/formula/graph.h"
#include "targets/formula/log_transform.h"

namespace riffle::formula {

/// What a formula is built into.
struct Builder {
  Graph graph;
  LogTransform logs{graph};
};

struct Function {
  std::string_view name;
  std::size_t least;  ///< operands
  std::size_t most;
  Id (*build)(Builder&, std::span<const Id>);
};

/// Null where there is none of that name.
const Function* find_function(std::string_view name);

struct Constant {
  std::string_view name;
  double value;
};
const Constant* find_constant(std::string_view name);

}  // namespace riffle::formula
