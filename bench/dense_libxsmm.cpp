#include <libxsmm.h>

#include <cassert>
#include <stdexcept>

#include "dense_peer.h"
#include "riffle/tile.h"

namespace riffle::bench {
namespace {

// Column-major, a tile is its transpose: Yᵀ = Xᵀ Wᵀ, with samples down the columns.
class Libxsmm final : public Peer {
 public:
  Libxsmm(const Chain& chain, Operands& operands) : chain_(chain), x_(operands) {
    libxsmm_init();
    for (std::size_t l = 0; l < chain_.layers(); ++l) {
      const int in = width(l);
      const int out = width(l + 1);
      forward_.push_back(kernel(samples, out, in, stride, in, stride, 0, 0));
      inputs_.push_back(kernel(samples, in, out, stride, out, stride, 0, 0));
      weights_.push_back(kernel(in, out, samples, in, stride, in, 1, 0));
    }
    std::size_t widest = 0;
    std::size_t most = 0;
    for (std::size_t l = 0; l < chain_.layers(); ++l) {
      widest = std::max(widest, chain_.widths[l]);
      most = std::max(most, chain_.widths[l] * chain_.widths[l + 1]);
    }
    turned_x_.resize(widest * samples);
    turned_w_.resize(most);
  }

  void forward() override {
    for (std::size_t l = 0; l < chain_.layers(); ++l) {
      forward_[l](x_.h[l].data(), x_.w[l].data(), x_.h[l + 1].data());
    }
  }

  void backward() override {
    for (std::size_t l = chain_.layers(); l-- > 0;) {
      const int in = width(l);
      const int out = width(l + 1);
      turn(turned_x_.data(), x_.h[l].data(), samples, in, stride, in);
      weights_[l](turned_x_.data(), x_.g[l + 1].data(), x_.grad[l].data());
      turn(turned_w_.data(), x_.w[l].data(), in, out, in, out);
      inputs_[l](x_.g[l + 1].data(), turned_w_.data(), x_.g[l].data());
    }
  }

 private:
  static constexpr int samples = tile_size;
  static constexpr int stride = tile_stride;

  int width(std::size_t l) const { return static_cast<int>(chain_.widths[l]); }
  static libxsmm_smmfunction kernel(int m, int n, int k, int lda, int ldb, int ldc, float beta,
                                    int flags) {
    const float alpha = 1;
    const auto f = libxsmm_smmdispatch(m, n, k, &lda, &ldb, &ldc, &alpha, &beta, &flags, nullptr);
    if (f == nullptr) throw std::runtime_error("libxsmm has no kernel of this shape");
    return f;
  }
  static void turn(float* to, const float* from, int rows, int columns, int from_ld, int to_ld) {
    libxsmm_otrans(to, from, sizeof(float), rows, columns, from_ld, to_ld);
  }

  const Chain& chain_;
  Operands& x_;
  std::vector<libxsmm_smmfunction> forward_, inputs_, weights_;
  AlignedVector<float> turned_x_, turned_w_;
};

}  // namespace

std::unique_ptr<Peer> make_libxsmm(const Chain& chain, Operands& operands) {
  return std::make_unique<Libxsmm>(chain, operands);
}

}  // namespace riffle::bench
