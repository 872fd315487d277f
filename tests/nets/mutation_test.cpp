// The mutation gate of the checks of nets: nets broken on purpose must fail them.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nets/mlp_checks.h"
#include "support/mutation.h"

namespace riffle::test {
namespace {

constexpr std::size_t count = 45;

/// Mutates the rows of every sample.
void mutate_rows(Mutation mutation, Tile<double> x) {
  for (std::size_t s = 0; s < x.count(); ++s) {
    std::vector<double> column;
    for (std::size_t d = 0; d < x.dim(); ++d) column.push_back(x(d, s));
    mutate<double>(mutation, column);
    for (std::size_t d = 0; d < x.dim(); ++d) x(d, s) = column[d];
  }
}

class MlpMutationTest : public ::testing::TestWithParam<NetCase> {
 protected:
  const MlpShape shape_ = GetParam().shape();
  const Net<double> healthy_{shape_, InstructionSet::best()};
  const NetInput<double> in_{shape_, 0.8, 51};
  const PlainNet plain_{shape_, in_, {count}};

  void expect_bad_gradients(const Net<double>& broken, const std::string& name) const {
    EXPECT_FALSE(check_gradients(broken, in_, plain_, count).empty()) << name;
    EXPECT_FALSE(check_vjp_by_duals(broken, in_, plain_, count).empty()) << name;
    if (!smooth(shape_.activation)) return;
    EXPECT_FALSE(check_vjp_by_differences(broken, in_, count).empty()) << name;
  }
};

TEST_P(MlpMutationTest, HealthyNetsPass) {
  EXPECT_TRUE(none(check_values(healthy_, in_, plain_, count)));
  EXPECT_TRUE(none(check_gradients(healthy_, in_, plain_, count)));
  EXPECT_TRUE(none(check_vjp_by_duals(healthy_, in_, plain_, count)));
  EXPECT_TRUE(none(check_accumulation(healthy_, in_, plain_, count)));
  if (!smooth(shape_.activation)) return;
  EXPECT_TRUE(none(check_vjp_by_differences(healthy_, in_, count)));
}

TEST_P(MlpMutationTest, BrokenValuesFail) {
  for (const auto mutation : mutations) {
    if (mutation == Mutation::permuted && shape_.outputs == 1) continue;
    auto broken = healthy_;
    broken.forward = [&](const double* params, Tile<const double> x, Tile<double> out,
                         double* cache) {
      healthy_.forward(params, x, out, cache);
      mutate_rows(mutation, out);
    };
    EXPECT_FALSE(check_values(broken, in_, plain_, count).empty()) << name_of(mutation);
  }
}

TEST_P(MlpMutationTest, BrokenInputGradientsFail) {
  for (const auto mutation : mutations) {
    if (mutation == Mutation::permuted && shape_.inputs == 1) continue;
    auto broken = healthy_;
    broken.vjp = [&](const double* params, Tile<const double> x, double* cache,
                     Tile<const double> g_out, Tile<double> g_x, double* grad) {
      healthy_.vjp(params, x, cache, g_out, g_x, grad);
      mutate_rows(mutation, g_x);
    };
    expect_bad_gradients(broken, fmt::format("g_x {}", name_of(mutation)));
  }
}

TEST_P(MlpMutationTest, BrokenParameterGradientsFail) {
  ParameterLayout layout;
  add_mlp_parameters(layout, shape_, "");
  const auto y = run(healthy_, in_, count);
  for (const auto& view : layout.views()) {
    for (const auto mutation : mutations) {
      const auto part = [&](auto* grad) { return std::span(grad + view.offset, view.size()); };
      std::vector<double> own(part(y.grad.data() + 1).begin(), part(y.grad.data() + 1).end());
      const auto before = own;
      mutate<double>(mutation, own);
      // Where nothing is alive nothing can be broken; nor a permutation of one number.
      if (own == before) continue;
      auto broken = healthy_;
      broken.vjp = [&](const double* params, Tile<const double> x, double* cache,
                       Tile<const double> g_out, Tile<double> g_x, double* grad) {
        healthy_.vjp(params, x, cache, g_out, g_x, grad);
        mutate<double>(mutation, part(grad));
      };
      expect_bad_gradients(broken, fmt::format("{} {}", view.name, name_of(mutation)));
    }
  }
}

TEST_P(MlpMutationTest, OverwritingInsteadOfAddingFails) {
  auto broken = healthy_;
  broken.vjp = [&](const double* params, Tile<const double> x, double* cache,
                   Tile<const double> g_out, Tile<double> g_x, double* grad) {
    std::fill_n(grad, shape_.parameters, 0.0);
    healthy_.vjp(params, x, cache, g_out, g_x, grad);
  };
  EXPECT_FALSE(check_accumulation(broken, in_, plain_, count).empty()) << "grad";
  broken.vjp = [&](const double* params, Tile<const double> x, double* cache,
                   Tile<const double> g_out, Tile<double> g_x, double* grad) {
    for (std::size_t d = 0; d < g_x.dim(); ++d) std::fill_n(g_x.row(d), g_x.count(), 0.0);
    healthy_.vjp(params, x, cache, g_out, g_x, grad);
  };
  EXPECT_FALSE(check_accumulation(broken, in_, plain_, count).empty()) << "g_x";
}

TEST_P(MlpMutationTest, WritingPastWholeLanesFails) {
  auto broken = healthy_;
  broken.forward = [&](const double* params, Tile<const double> x, Tile<double> out,
                       double* cache) {
    healthy_.forward(params, x, out, cache);
    out(0, 48) = 0;
  };
  EXPECT_FALSE(check_values(broken, in_, plain_, count).empty());
}

INSTANTIATE_TEST_SUITE_P(
    Nets, MlpMutationTest,
    ::testing::Values(
        NetCase{.inputs = 2, .hidden = {}, .outputs = 3},
        NetCase{.inputs = 1, .hidden = {17}, .outputs = 1, .activation = Activation::silu},
        NetCase{.inputs = 5, .hidden = {16, 16}, .outputs = 4, .residual = true},
        NetCase{.inputs = 5, .hidden = {33, 7}, .outputs = 4, .activation = Activation::relu},
        NetCase{.inputs = 4,
                .hidden = {17, 17},
                .outputs = 2,
                .activation = Activation::leaky,
                .residual = true,
                .rank = {2, 0, 3, 1}},
        NetCase{.inputs = 6, .hidden = {3, 33}, .outputs = 2, .rank = {5, 4, 3, 2, 1, 0}}),
    [](const auto& test) { return test.param.name(); });

}  // namespace
}  // namespace riffle::test
