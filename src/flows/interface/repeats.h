#pragma once

#include <cstddef>

namespace riffle {

/// How often a layer is applied in a row, each time with parameters of its own: a flow of K layers
/// of one kind is one call for each tile, instead of K. Repeat k takes its parameters at k ·
/// `parameters` and its cache at k · `cache_stride`; its output is tile k of `states`, but for the
/// last, which writes to y. A layer that needs no output of its own to pull back through a run, or
/// to push scores, may keep other things in `states`.
template <class T>
struct Repeats {
  std::size_t count;
  std::size_t parameters;
  std::size_t cache_stride;
  T* states;     ///< count - 1 tiles; not read where count is 1
  T* workspace;  ///< FlowLayer::workspace_size() elements, which all layers of a flow work in by
                 ///< turns
  /// Whether dL/dz is wanted of vjp; where it is not, g may be left as it falls.
  bool input_cotangent = true;
};

}  // namespace riffle
