// Nets against a plain product of matrices, dual numbers and finite differences.

#include "nets/mlp.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/aligned.h"
#include "lanes/scalar.h"
#include "support/failures.h"
#include "support/random.h"

namespace riffle::test {
namespace {

TEST(Smoke, ForwardAndVjp) {
  Random random(1);
  for (int act_index = 0; act_index < 4; ++act_index)
    for (bool residual : {false, true})
      for (bool masked : {false, true}) {
        const auto activation = static_cast<Activation>(act_index);
        const std::vector<std::size_t> hidden{17, 17, 3, 3};
        const std::vector<std::size_t> rank{2, 0, 3, 1, 4};
        const auto shape = masked ? masked_mlp_shape(rank, hidden, 2, activation, residual)
                                  : mlp_shape(5, hidden, 10, activation, residual);
        for (const auto set : InstructionSet::available()) {
          const auto k = mlp_kernels<double>(set);
          AlignedVector<double> params(shape.parameters);
          for (auto& p : params) p = random.normal();
          const std::size_t count = 37;
          TileBuffer<double> x(shape.inputs), out(shape.outputs), g(shape.outputs),
              gx(shape.inputs);
          AlignedVector<double> cache(mlp_cache_size(shape));
          AlignedVector<double> grad(shape.parameters);
          for (std::size_t d = 0; d < shape.inputs; ++d)
            for (std::size_t s = 0; s < count; ++s) x.view()(d, s) = random.normal();
          for (std::size_t d = 0; d < shape.outputs; ++d)
            for (std::size_t s = 0; s < count; ++s) g.view()(d, s) = random.normal();
          k.forward(shape, params.data(), x.view(count), out.view(count), cache.data());
          k.vjp(shape, params.data(), x.view(count), cache.data(), g.view(count), gx.view(count),
                grad.data());
          const auto loss = [&](TileBuffer<double>& xx, AlignedVector<double>& pp) {
            TileBuffer<double> y(shape.outputs);
            AlignedVector<double> c(mlp_cache_size(shape));
            k.forward(shape, pp.data(), xx.view(count), y.view(count), c.data());
            double sum = 0;
            for (std::size_t d = 0; d < shape.outputs; ++d)
              for (std::size_t s = 0; s < count; ++s) sum += y.view()(d, s) * g.view()(d, s);
            return sum;
          };
          const double h = 1e-6;
          for (std::size_t i = 0; i < shape.parameters; i += 7) {
            auto up = params, down = params;
            up[i] += h;
            down[i] -= h;
            const double fd = (loss(x, up) - loss(x, down)) / (2 * h);
            EXPECT_NEAR(grad[i], fd, 1e-4 * (1 + std::abs(fd)))
                << i << " " << act_index << residual << masked << set.name();
          }
          for (std::size_t d = 0; d < shape.inputs; ++d) {
            auto up = x, down = x;
            up.view()(d, 9) += h;
            down.view()(d, 9) -= h;
            const double fd = (loss(up, params) - loss(down, params)) / (2 * h);
            EXPECT_NEAR(gx.view()(d, 9), fd, 1e-4 * (1 + std::abs(fd)));
          }
        }
      }
}

}  // namespace
}  // namespace riffle::test
