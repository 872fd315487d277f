#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "dense_peer.h"
#include "riffle/tile.h"

namespace riffle::bench {
namespace {

class OneDnn final : public Peer {
 public:
  OneDnn(const Chain& chain, Operands& operands) : engine_(dnnl::engine::kind::cpu, 0) {
    const long samples = tile_size;
    const long row = operands.by_sample ? 0 : static_cast<long>(tile_stride);
    for (std::size_t l = 0; l < chain.layers(); ++l) {
      const long in = static_cast<long>(chain.widths[l]);
      const long out = static_cast<long>(chain.widths[l + 1]);
      // As matrices of [rows, columns]; a tile is [features, samples] with a stride.
      const Matrix w{operands.w[l].data(), out, in, in, 1};
      const Matrix grad{operands.grad[l].data(), out, in, in, 1};
      const auto tile = [&](AlignedVector<float>& x, long width) {
        return operands.by_sample ? Matrix{x.data(), width, samples, 1, width}
                                  : Matrix{x.data(), width, samples, row, 1};
      };
      const Matrix h = tile(operands.h[l], in);
      const Matrix y = tile(operands.h[l + 1], out);
      const Matrix g = tile(operands.g[l + 1], out);
      const Matrix g_h = tile(operands.g[l], in);
      forward_.push_back(operands.by_sample ? product(h.turned(), w.turned(), y.turned(), false)
                                            : product(w, h, y, false));
      backward_.push_back(product(g, h.turned(), grad, true));
      backward_.push_back(operands.by_sample ? product(g.turned(), w, g_h.turned(), false)
                                             : product(w.turned(), g, g_h, false));
    }
  }

  void forward() override {
    for (auto& p : forward_) p.primitive.execute(stream_, p.arguments);
    stream_.wait();
  }
  void backward() override {
    for (std::size_t l = forward_.size(); l-- > 0;) {
      for (std::size_t which = 0; which < 2; ++which) {
        auto& p = backward_[2 * l + which];
        p.primitive.execute(stream_, p.arguments);
      }
    }
    stream_.wait();
  }

 private:
  struct Matrix {
    float* data;
    long rows, columns, row_stride, column_stride;
    Matrix turned() const { return {data, columns, rows, column_stride, row_stride}; }
    dnnl::memory::desc desc() const {
      return {{rows, columns}, dnnl::memory::data_type::f32, {row_stride, column_stride}};
    }
  };
  struct Product {
    dnnl::primitive primitive;
    std::unordered_map<int, dnnl::memory> arguments;
  };

  /// c = a b, or c += a b.
  Product product(const Matrix& a, const Matrix& b, const Matrix& c, bool add) {
    dnnl::primitive_attr attributes;
    if (add) {
      dnnl::post_ops sum;
      sum.append_sum(1);
      attributes.set_post_ops(sum);
    }
    const dnnl::matmul::desc what(a.desc(), b.desc(), c.desc());
    const dnnl::matmul::primitive_desc how(what, attributes, engine_);
    return {dnnl::matmul(how),
            {{DNNL_ARG_SRC, dnnl::memory(a.desc(), engine_, a.data)},
             {DNNL_ARG_WEIGHTS, dnnl::memory(b.desc(), engine_, b.data)},
             {DNNL_ARG_DST, dnnl::memory(c.desc(), engine_, c.data)}}};
  }

  dnnl::engine engine_;
  dnnl::stream stream_{engine_};
  std::vector<Product> forward_, backward_;
};

}  // namespace

std::unique_ptr<Peer> make_onednn(const Chain& chain, Operands& operands) {
  return std::make_unique<OneDnn>(chain, operands);
}

}  // namespace riffle::bench
