#pragma once

namespace riffle {

/// ln|det ∂f/∂z| of each sample of a tile, being gathered: sum[s] + ln product[s]. Layers whose
/// determinant is one number multiply it in, so that a whole flow takes one logarithm for each draw
/// instead of one for each layer; others add to the sum. Rows of `tile_size`, 64-byte aligned.
template <class T>
struct LogDet {
  T* sum;
  T* product;  ///< 1 at first; always within the range that flows/interface/log_det.inc keeps
};

}  // namespace riffle
