#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/aligned.h"

namespace riffle::bench {

/// A chain of affine maps without biases, applied to one tile: widths[l] → widths[l + 1].
struct Chain {
  std::vector<std::size_t> widths;
  std::size_t layers() const { return widths.size() - 1; }
};

/// The numbers that a peer works on, in one layout: `by_sample` is [sample][feature], without gaps,
/// which is what libraries are made for; otherwise Riffle's tiles, [feature][tile_stride].
/// W_l is [widths[l + 1]][widths[l]] either way.
struct Operands {
  bool by_sample;
  std::vector<AlignedVector<float>> w, grad;  ///< of layer l
  std::vector<AlignedVector<float>> h,
      g;  ///< activations and cotangents; h[0] and the last g given
};

/// Another library's products. forward fills h[1] …; backward adds to grad, and fills the g before
/// the last.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void forward() = 0;
  virtual void backward() = 0;
};

std::unique_ptr<Peer> make_openblas(const Chain& chain, Operands& operands);
/// Tiles only. Products with a transposed tile, which it does not have, count their transposition.
std::unique_ptr<Peer> make_libxsmm(const Chain& chain, Operands& operands);
std::unique_ptr<Peer> make_onednn(const Chain& chain, Operands& operands);

}  // namespace riffle::bench
