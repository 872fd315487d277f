#include <cblas.h>

#include "dense_peer.h"
#include "riffle/tile.h"

namespace riffle::bench {
namespace {

class OpenBlas final : public Peer {
 public:
  OpenBlas(const Chain& chain, Operands& operands) : chain_(chain), x_(operands) {
    openblas_set_num_threads(1);
  }

  void forward() override {
    for (std::size_t l = 0; l < chain_.layers(); ++l) {
      const int in = width(l);
      const int out = width(l + 1);
      if (x_.by_sample) {
        gemm(CblasNoTrans, CblasTrans, samples, out, in, x_.h[l], in, x_.w[l], in, 0, x_.h[l + 1],
             out);
      } else {
        gemm(CblasNoTrans, CblasNoTrans, out, samples, in, x_.w[l], in, x_.h[l], stride, 0,
             x_.h[l + 1], stride);
      }
    }
  }

  void backward() override {
    for (std::size_t l = chain_.layers(); l-- > 0;) {
      const int in = width(l);
      const int out = width(l + 1);
      if (x_.by_sample) {
        gemm(CblasTrans, CblasNoTrans, out, in, samples, x_.g[l + 1], out, x_.h[l], in, 1,
             x_.grad[l], in);
        gemm(CblasNoTrans, CblasNoTrans, samples, in, out, x_.g[l + 1], out, x_.w[l], in, 0,
             x_.g[l], in);
      } else {
        gemm(CblasNoTrans, CblasTrans, out, in, samples, x_.g[l + 1], stride, x_.h[l], stride, 1,
             x_.grad[l], in);
        gemm(CblasTrans, CblasNoTrans, in, samples, out, x_.w[l], in, x_.g[l + 1], stride, 0,
             x_.g[l], stride);
      }
    }
  }

 private:
  using Numbers = AlignedVector<float>;
  static constexpr int samples = tile_size;
  static constexpr int stride = tile_stride;

  int width(std::size_t l) const { return static_cast<int>(chain_.widths[l]); }
  static void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const Numbers& a,
                   int lda, const Numbers& b, int ldb, float beta, Numbers& c, int ldc) {
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a.data(), lda, b.data(), ldb, beta, c.data(),
                ldc);
  }

  const Chain& chain_;
  Operands& x_;
};

}  // namespace

std::unique_ptr<Peer> make_openblas(const Chain& chain, Operands& operands) {
  return std::make_unique<OpenBlas>(chain, operands);
}

}  // namespace riffle::bench
