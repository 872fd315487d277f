// A masked net rank by rank, against the whole net at once.

#include "nets/mlp_steps.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/aligned.h"
#include "lanes/scalar.h"
#include "support/random.h"

namespace riffle::test {
namespace {

struct Net {
  std::vector<std::size_t> rank;
  std::vector<std::size_t> hidden;
  std::size_t numbers;
  Activation activation;
  bool residual;
};

std::vector<Net> nets() {
  std::vector<Net> all;
  const std::vector<std::vector<std::size_t>> ranks{
      {0}, {0, 1}, {1, 0}, {0, 1, 2, 3, 4, 5, 6}, {6, 5, 4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}};
  for (const auto& rank : ranks) {
    for (const auto& hidden :
         std::vector<std::vector<std::size_t>>{{}, {1}, {3}, {24}, {17, 17}, {2, 2, 5}, {9, 4}}) {
      for (const auto activation :
           {Activation::tanh, Activation::relu, Activation::silu, Activation::leaky}) {
        all.push_back({rank, hidden, 2, activation, hidden.size() > 1});
        all.push_back({rank, hidden, 5, activation, false});
      }
    }
  }
  return all;
}

template <class T>
void check(const Net& net, InstructionSet set, std::size_t count, double tolerance) {
  SCOPED_TRACE(fmt::format("{} inputs, {} hidden layers, {} on {}", net.rank.size(),
                           net.hidden.size(),
                           activation_names[static_cast<std::size_t>(net.activation)], set.name()));
  const auto shape =
      masked_mlp_shape(net.rank, net.hidden, net.numbers, net.activation, net.residual);
  const std::size_t dim = shape.inputs;
  std::vector<std::size_t> input_of(dim);
  for (std::size_t i = 0; i < dim; ++i) input_of[net.rank[i]] = i;
  Random random(dim + net.numbers);
  AlignedVector<T> params(shape.parameters);
  for (T& p : params) p = static_cast<T>(0.7 * random.normal());
  TileBuffer<T> x(dim);
  TileBuffer<T> g_out(shape.outputs);
  for (std::size_t s = 0; s < count; ++s) {
    for (std::size_t i = 0; i < dim; ++i) x.row(i)[s] = static_cast<T>(random.normal());
    for (std::size_t o = 0; o < shape.outputs; ++o) {
      g_out.row(o)[s] = static_cast<T>(random.normal());
    }
  }
  const auto whole = mlp_kernels<T>(set);
  const auto steps = mlp_step_kernels<T>(set);
  const auto near = [&](T a, T b) {
    return std::abs(a - b) <= static_cast<T>(tolerance) * (1 + std::abs(b));
  };

  TileBuffer<T> due(shape.outputs);
  AlignedVector<T> cache(mlp_cache_size(shape));
  AlignedVector<T> own(mlp_workspace_size(shape));
  whole.forward(shape, params.data(), x.view(count), due.view(count), cache.data(), own.data());

  // Inputs become known one by one; those that are not yet must not matter.
  TileBuffer<T> known(dim);
  for (std::size_t i = 0; i < dim; ++i) std::fill_n(known.row(i), tile_size, T(1e3));
  TileBuffer<T> out(shape.outputs);
  AlignedVector<T> stepped(mlp_cache_size(shape));
  for (std::size_t rank = 0; rank <= dim; ++rank) {
    steps.forward(shape, params.data(), known.view(count), out.view(count), stepped.data(), rank);
    if (rank == dim) break;
    const std::size_t i = input_of[rank];
    for (std::size_t o = i * net.numbers; o < (i + 1) * net.numbers; ++o) {
      for (std::size_t s = 0; s < count; ++s) {
        ASSERT_TRUE(near(out.row(o)[s], due.row(o)[s])) << "output " << o << " sample " << s;
      }
    }
    std::copy_n(x.row(i), tile_size, known.row(i));
  }

  // The whole vjp from either cache.
  const auto vjp = [&](AlignedVector<T>& from) {
    TileBuffer<T> g_x(dim);
    AlignedVector<T> grad(shape.parameters, T(0));
    whole.vjp(shape, params.data(), x.view(count), from.data(), g_out.view(count), g_x.view(count),
              grad.data(), own.data());
    return std::pair(g_x, grad);
  };
  TileBuffer<T> g_x(dim);
  AlignedVector<T> workspace(mlp_steps_workspace(shape));
  // Of each output only when its rank has come: before, a cotangent that must not matter.
  TileBuffer<T> g_known(shape.outputs);
  for (std::size_t o = 0; o < shape.outputs; ++o) std::fill_n(g_known.row(o), tile_size, T(1e3));
  for (std::size_t rank = dim; rank-- > 1;) {
    const std::size_t i = input_of[rank];
    for (std::size_t o = i * net.numbers; o < (i + 1) * net.numbers; ++o) {
      std::copy_n(g_out.row(o), tile_size, g_known.row(o));
    }
    steps.vjp(shape, params.data(), stepped.data(), g_known.view(count), g_x.view(count),
              workspace.data(), rank);
  }
  const auto [g_due, grad_due] = vjp(cache);
  const auto [g_stepped, grad_stepped] = vjp(stepped);
  for (std::size_t i = 0; i < dim; ++i) {
    for (std::size_t s = 0; s < count; ++s) {
      ASSERT_TRUE(near(g_x.view()(i, s), g_due.view()(i, s))) << "input " << i << " sample " << s;
      ASSERT_TRUE(near(g_stepped.view()(i, s), g_due.view()(i, s))) << "input " << i;
    }
  }
  for (std::size_t k = 0; k < grad_due.size(); ++k) {
    ASSERT_TRUE(near(grad_stepped[k], grad_due[k])) << "parameter " << k;
  }
}

TEST(MlpSteps, TogetherDoWhatTheNetDoes) {
  for (const auto set : InstructionSet::available()) {
    for (const auto& net : nets()) {
      check<double>(net, set, 37, 1e-11);
      check<float>(net, set, 128, 3e-3);
    }
  }
}

}  // namespace
}  // namespace riffle::test
