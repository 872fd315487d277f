// Times the dense layers of Riffle's nets, at the shapes that flows have, beside the same products
// by OpenBLAS, libxsmm and oneDNN, in Riffle's layout and in theirs. One thread; all take turns.
// The yardstick is what the core's registers can multiply and add, measured in the same turns.
//
//   riffle_bench_dense [INSTRUCTION-SET] [ROUNDS]

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>

#include "core/aligned.h"
#include "core/instruction_set.h"
#include "dense_peer.h"
#include "nets/mlp.h"

namespace riffle {
namespace {

template <class T>
struct DenseBenchKernels {
  std::size_t (*peak)(std::size_t rounds, T* sink);
  void (*forward)(const MlpShape&, const T* params, const Tile<T>* h);
  void (*vjp)(const MlpShape&, const T* params, const Tile<T>* h, const Tile<T>* g, T* grad,
              bool inputs, bool weights);

  template <class Maths>
  static DenseBenchKernels of() {
    return {&Maths::peak, &Maths::forward, &Maths::vjp};
  }
};

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "nets/dense.inc"
#define RIFFLE_MATHS "dense.inc"
#define RIFFLE_CLASS DenseBench
#define RIFFLE_KERNELS DenseBenchKernels
#include "lanes/instantiate.h"

namespace riffle::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Something to time, with the multiply-adds of one call.
struct Contender {
  std::string name;
  double multiply_adds;
  std::function<void()> call;
  std::vector<double> seconds{};  ///< of one call, one for each round
  double least() const { return *std::min_element(seconds.begin(), seconds.end()); }
  double median() const {
    auto sorted = seconds;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<long>(sorted.size() / 2),
                     sorted.end());
    return sorted[sorted.size() / 2];
  }
};

void take_turns(std::vector<Contender>& contenders, int rounds) {
  constexpr double shortest = 100e-6;
  std::vector<int> calls;
  for (auto& c : contenders) {
    c.call();
    const auto start = Clock::now();
    int n = 0;
    while (std::chrono::duration<double>(Clock::now() - start).count() < shortest) {
      c.call();
      ++n;
    }
    calls.push_back(n);
  }
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const auto start = Clock::now();
      for (int n = 0; n < calls[i]; ++n) contenders[i].call();
      const double all = std::chrono::duration<double>(Clock::now() - start).count();
      contenders[i].seconds.push_back(all / calls[i]);
    }
  }
}

/// The numbers of one chain, random but the same for all.
Operands make_operands(const Chain& chain, bool by_sample) {
  Operands x{.by_sample = by_sample, .w = {}, .grad = {}, .h = {}, .g = {}};
  const RandomStream stream{1, Purpose::audit, 0};
  const auto fill = [&](AlignedVector<float>& to, std::size_t n, std::uint32_t what, double scale) {
    to.assign(n, 0.0F);
    for (std::size_t i = 0; i < n; ++i) {
      to[i] =
          static_cast<float>(scale * (2 * stream.uniform(static_cast<std::uint32_t>(i), what) - 1));
    }
  };
  for (std::size_t l = 0; l < chain.widths.size(); ++l) {
    const std::size_t width = chain.widths[l];
    AlignedVector<float> tile;
    const bool given[] = {l == 0, l == chain.layers()};
    for (int which = 0; which < 2; ++which) {
      fill(tile, tile_size * width, static_cast<std::uint32_t>(1000 + l + 100 * std::size_t(which)),
           given[which] ? 1 : 0);
      auto& to = which == 0 ? x.h : x.g;
      to.emplace_back(width * tile_stride, 0.0F);
      for (std::size_t d = 0; d < width; ++d) {
        for (std::size_t s = 0; s < tile_size; ++s) {
          to.back()[by_sample ? s * width + d : d * tile_stride + s] = tile[d * tile_size + s];
        }
      }
    }
    if (l == chain.layers()) break;
    const std::size_t n = width * chain.widths[l + 1];
    x.w.emplace_back();
    fill(x.w.back(), n, static_cast<std::uint32_t>(l), 1 / std::sqrt(double(width)));
    x.grad.emplace_back(n, 0.0F);
  }
  return x;
}

/// Largest difference of two peers' results, as a part of the largest number.
double difference(const Chain& chain, const Operands& a, const Operands& b) {
  double worst = 0;
  const auto compare = [&](const auto& x, const auto& y, std::size_t n, auto at_x, auto at_y) {
    double off = 0;
    double size = 0;
    for (std::size_t i = 0; i < n; ++i) {
      off = std::max(off, double(std::abs(x[at_x(i)] - y[at_y(i)])));
      size = std::max(size, double(std::abs(y[at_y(i)])));
    }
    worst = std::max(worst, size > 0 ? off / size : 1);
  };
  const auto place = [](const Operands& x, std::size_t width) {
    return [by_sample = x.by_sample, width](std::size_t i) {
      const std::size_t s = i % tile_size;
      const std::size_t d = i / tile_size;
      return by_sample ? s * width + d : d * tile_stride + s;
    };
  };
  for (std::size_t l = 0; l < chain.widths.size(); ++l) {
    const std::size_t width = chain.widths[l];
    compare(a.h[l], b.h[l], width * tile_size, place(a, width), place(b, width));
    compare(a.g[l], b.g[l], width * tile_size, place(a, width), place(b, width));
    if (l == chain.layers()) break;
    const auto same = [](std::size_t i) { return i; };
    compare(a.grad[l], b.grad[l], a.grad[l].size(), same, same);
  }
  return worst;
}

/// Riffle's own products, as a peer of the others.
class Own final : public Peer {
 public:
  Own(const Chain& chain, Operands& operands, InstructionSet set)
      : x_(operands), kernels_(kernels_for<float>(set)) {
    const std::vector<std::size_t> hidden(chain.widths.begin() + 1, chain.widths.end() - 1);
    shape_ = mlp_shape(chain.widths.front(), hidden, chain.widths.back(), Activation::tanh, false);
    params_.assign(shape_.parameters, 0.0F);
    grad_.assign(shape_.parameters, 0.0F);
    for (std::size_t l = 0; l < chain.layers(); ++l) {
      std::copy(x_.w[l].begin(), x_.w[l].end(),
                params_.begin() + static_cast<long>(shape_.layers[l].offset));
    }
    for (std::size_t l = 0; l < chain.widths.size(); ++l) {
      h_.emplace_back(x_.h[l].data(), chain.widths[l], tile_size);
      g_.emplace_back(x_.g[l].data(), chain.widths[l], tile_size);
    }
  }
  void forward() override { kernels_.forward(shape_, params_.data(), h_.data()); }
  void backward() override { backward(true, true); }
  void backward(bool inputs, bool weights) {
    kernels_.vjp(shape_, params_.data(), h_.data(), g_.data(), grad_.data(), inputs, weights);
  }
  /// Puts the gradient where those of the others are.
  void keep_grad() {
    for (std::size_t l = 0; l < shape_.layers.size(); ++l) {
      std::copy_n(grad_.begin() + static_cast<long>(shape_.layers[l].offset), x_.grad[l].size(),
                  x_.grad[l].begin());
    }
  }

 private:
  Operands& x_;
  DenseBenchKernels<float> kernels_;
  MlpShape shape_;
  AlignedVector<float> params_, grad_;
  std::vector<Tile<float>> h_, g_;
};

/// A whole net with its biases and activations.
class Net {
 public:
  Net(MlpShape shape, InstructionSet set)
      : shape_(std::move(shape)),
        kernels_(mlp_kernels<float>(set)),
        params_(shape_.parameters),
        grad_(shape_.parameters),
        cache_(mlp_cache_size(shape_)),
        space_(mlp_workspace_size(shape_)),
        x_(shape_.inputs),
        g_x_(shape_.inputs),
        out_(shape_.outputs),
        g_(shape_.outputs) {
    const RandomStream stream{2, Purpose::audit, 0};
    initialise_mlp(stream, shape_, params_.data());
    const auto fill = [&](TileBuffer<float>& tile, std::size_t width, std::uint32_t what) {
      for (std::size_t d = 0; d < width; ++d) {
        for (std::size_t s = 0; s < tile_size; ++s) {
          tile.row(d)[s] = static_cast<float>(
              stream.uniform(static_cast<std::uint32_t>(d * tile_size + s), what) - 0.5);
        }
      }
    };
    fill(x_, shape_.inputs, 101);
    fill(g_, shape_.outputs, 102);
  }
  void forward() {
    kernels_.forward(shape_, params_.data(), x_.view(), out_.view(), cache_.data(), space_.data());
  }
  void vjp() {
    kernels_.vjp(shape_, params_.data(), x_.view(), cache_.data(), g_.view(), g_x_.view(),
                 grad_.data(), space_.data());
  }

 private:
  MlpShape shape_;
  MlpKernels<float> kernels_;
  AlignedVector<float> params_, grad_, cache_, space_;
  TileBuffer<float> x_, g_x_, out_, g_;
};

/// Of one tile, by the weights that are alive.
double multiply_adds(const MlpShape& shape) {
  double weights = 0;
  for (const auto& layer : shape.layers) {
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      weights += layer.mask.empty() ? double(layer.inputs) : double(layer.mask[o]);
    }
  }
  return weights * double(tile_size);
}

int run(InstructionSet set, int rounds) {
  const auto kernels = kernels_for<float>(set);
  fmt::print("float, tiles of {} samples, {}; one thread; {} rounds in turns\n", tile_size,
             set.name(), rounds);
  fmt::print("least time of a call, its median, and the part of the core's multiply-adds\n");
  const std::vector<Chain> chains{
      {{1, 64, 64, 2}}, {{8, 64, 64, 16}}, {{32, 128, 128, 64}}, {{8, 64, 64, 8 * 23}}};
  for (const auto& chain : chains) {
    std::string title;
    double products = 0;
    for (std::size_t l = 0; l < chain.widths.size(); ++l) {
      title += fmt::format("{}{}", l == 0 ? "" : ", ", chain.widths[l]);
      if (l > 0) products += double(tile_size * chain.widths[l - 1] * chain.widths[l]);
    }
    Operands tiles = make_operands(chain, false);
    Own own(chain, tiles, set);
    own.forward();
    own.backward();
    own.keep_grad();

    std::vector<Contender> contenders;
    AlignedVector<float> sink(64);
    constexpr std::size_t peak_rounds = 2000;
    const double peak_work = double(peak_rounds * kernels.peak(1, sink.data()));
    contenders.push_back(
        {"registers alone", peak_work, [&] { kernels.peak(peak_rounds, sink.data()); }});
    const auto add = [&](const std::string& name, auto& peer) {
      contenders.push_back({name + ", forward", products, [&] { peer.forward(); }});
      contenders.push_back({name + ", and gradients", 3 * products, [&] {
                              peer.forward();
                              peer.backward();
                            }});
    };
    add("Riffle, products", own);
    contenders.push_back(
        {"  of them inputs' gradients", products, [&] { own.backward(true, false); }});
    contenders.push_back(
        {"  of them weights' gradients", products, [&] { own.backward(false, true); }});
    std::vector<std::unique_ptr<Net>> nets;
    const auto add_net = [&](const std::string& name, const MlpShape& shape) {
      nets.push_back(std::make_unique<Net>(shape, set));
      auto& net = *nets.back();
      const double work = multiply_adds(shape);
      contenders.push_back({name + ", forward", work, [&] { net.forward(); }});
      contenders.push_back({name + ", and vjp", 3 * work, [&] {
                              net.forward();
                              net.vjp();
                            }});
    };
    const std::size_t in = chain.widths.front();
    const std::size_t out = chain.widths.back();
    const std::vector<std::size_t> hidden(chain.widths.begin() + 1, chain.widths.end() - 1);
    for (const auto activation : {Activation::relu, Activation::tanh, Activation::silu}) {
      add_net(fmt::format("Riffle, net with {}",
                          activation_names[static_cast<std::size_t>(activation)]),
              mlp_shape(in, hidden, out, activation, false));
    }
    if (in > 1) {
      std::vector<std::size_t> rank(in);
      for (std::size_t i = 0; i < in; ++i) rank[i] = i;
      add_net("Riffle, masked net with relu",
              masked_mlp_shape(rank, hidden, out / in, Activation::relu, false));
    }
    std::vector<std::unique_ptr<Operands>> operands;
    std::vector<std::unique_ptr<Peer>> peers;
    const auto add_peer = [&](const std::string& name, auto make, bool by_sample) {
      operands.push_back(std::make_unique<Operands>(make_operands(chain, by_sample)));
      auto& x = *operands.back();
      peers.push_back(make(chain, x));
      auto& peer = *peers.back();
      peer.forward();
      peer.backward();
      const double off = difference(chain, x, tiles);
      if (!(off < 1e-5)) throw std::runtime_error(fmt::format("{} differs by {}", name, off));
      add(name + (by_sample ? ", its layout" : ", tiles"), peer);
    };
#ifdef RIFFLE_BENCH_OPENBLAS
    add_peer("OpenBLAS", &make_openblas, false);
    add_peer("OpenBLAS", &make_openblas, true);
#endif
#ifdef RIFFLE_BENCH_LIBXSMM
    add_peer("libxsmm", &make_libxsmm, false);
#endif
#ifdef RIFFLE_BENCH_ONEDNN
    add_peer("oneDNN", &make_onednn, false);
    add_peer("oneDNN", &make_onednn, true);
#endif
    take_turns(contenders, rounds);
    const double peak = contenders.front().multiply_adds / contenders.front().least();
    fmt::print("\n({})  peak {:.1f} GFLOP/s\n", title, 2e-9 * peak);
    for (std::size_t i = 1; i < contenders.size(); ++i) {
      const auto& c = contenders[i];
      fmt::print("  {:<36}{:9.2f} {:9.2f} µs {:6.0f} %\n", c.name, 1e6 * c.least(),
                 1e6 * c.median(), 100 * c.multiply_adds / c.least() / peak);
    }
  }
  return 0;
}

}  // namespace
}  // namespace riffle::bench

int main(int argc, char** argv) {
  // Before the first use of OpenMP, which oneDNN runs on.
  setenv("OMP_NUM_THREADS", "1", 1);
  try {
    const auto set = riffle::InstructionSet::parse(argc > 1 ? argv[1] : "auto");
    return riffle::bench::run(set, argc > 2 ? std::atoi(argv[2]) : 50);
  } catch (const std::exception& error) {
    fmt::print(stderr, "riffle_bench_dense: {}\n", error.what());
    return 1;
  }
}
