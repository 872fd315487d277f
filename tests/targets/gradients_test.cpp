// Gradients that nobody wrote.

#include "riffle/gradients.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "riffle/formula.h"
#include "support/random.h"

namespace riffle::test {
namespace {

/// Everything that a number can do, of nine coordinates, so that two passes are needed.
const auto everything = [](auto z) {
  using std::abs;
  using std::acos;
  using std::asin;
  using std::atan;
  using std::atan2;
  using std::cos;
  using std::cosh;
  using std::erf;
  using std::erfc;
  using std::exp;
  using std::expm1;
  using std::hypot;
  using std::lgamma;
  using std::log;
  using std::log1p;
  using std::pow;
  using std::sin;
  using std::sinh;
  using std::sqrt;
  using std::tan;
  using std::tanh;
  auto sum = -0.5 * z[0] * z[0] + exp(-z[1]) / (2 + z[2] * z[2]);
  sum += log(1 + z[3] * z[3]) + log1p(z[4] * z[4]) + expm1(tanh(z[5]));
  sum -= sqrt(3 + z[6]) * sin(z[7]) + cos(z[8]) + tan(tanh(z[0]));
  sum +=
      asin(0.9 * tanh(z[1])) + acos(0.9 * tanh(z[2])) + atan(z[3]) + atan2(z[4], 2 + z[5] * z[5]);
  sum += sinh(tanh(z[6])) + cosh(tanh(z[7])) + erf(z[8]) + erfc(z[0]) + abs(z[1] - 7);
  sum *= 1 + 0.1 * tanh(z[2]);
  sum /= 2 - tanh(z[3]);
  sum +=
      pow(1 + z[4] * z[4], tanh(z[5])) + hypot(1 + z[6] * z[6], z[7]) + lgamma(1.5 + z[8] * z[8]);
  sum += z[0] > z[1] ? z[2] * z[2] : -z[3];
  return sum;
};

std::vector<double> random_point(Random& random) {
  std::vector<double> z(9);
  for (double& x : z) x = random.uniform(-2, 2);
  return z;
}

TEST(AutomaticGradient, IsThatOfDifferences) {
  const auto exact = automatic_gradient(everything);
  const auto numeric =
      numeric_gradient([](std::span<const double> z) { return double(everything(z)); });
  Random random(51);
  for (int i = 0; i < 200; ++i) {
    const auto z = random_point(random);
    if (std::abs(z[0] - z[1]) < 0.02) continue;  // the branch ends
    std::vector<double> a(9);
    std::vector<double> b(9);
    EXPECT_DOUBLE_EQ(exact(z, a), everything(std::span<const double>(z)));
    EXPECT_DOUBLE_EQ(numeric(z, b), everything(std::span<const double>(z)));
    for (std::size_t d = 0; d < 9; ++d) EXPECT_NEAR(a[d], b[d], 2e-9 * (1 + std::abs(a[d])));
  }
}

TEST(AutomaticGradient, IsThatOfTheFormula) {
  const auto formula = formula_target(
      "-x^2 + log(1 + y^2)*tanh(x) - erf(y) + atan2(x, 2) + (1 + x^2)^tanh(y) + abs(x - y)",
      FormulaKind::log_density);
  const auto own = automatic_gradient([](auto z) {
    const auto x = z[0];
    const auto y = z[1];
    return -x * x + log(1 + y * y) * tanh(x) - erf(y) + atan2(x, 2) + pow(1 + x * x, tanh(y)) +
           abs(x - y);
  });
  Random random(52);
  alignas(64) double block[2 * tile_stride];
  alignas(64) double slopes[2 * tile_stride];
  for (int i = 0; i < 100; ++i) {
    const std::vector<double> z{3 * random.normal(), 3 * random.normal()};
    std::vector<double> a(2);
    const double value = own(z, a);
    block[0] = z[0];
    block[tile_stride] = z[1];
    std::vector<double> log_p(1);
    formula->evaluate(Tile<const double>(block, 2, 1), log_p, Tile<double>(slopes, 2, 1));
    EXPECT_NEAR(value, log_p[0], 1e-13 * (1 + std::abs(value)));
    EXPECT_NEAR(a[0], slopes[0], 1e-12 * (1 + std::abs(a[0])));
    EXPECT_NEAR(a[1], slopes[tile_stride], 1e-12 * (1 + std::abs(a[1])));
  }
}

TEST(AutomaticGradient, OfMoreCoordinatesThanLanes) {
  for (const std::size_t dim : {1U, 7U, 8U, 9U, 16U, 17U, 40U}) {
    const auto f = automatic_gradient([](auto z) {
      auto sum = -z[0] * z[0];
      for (std::size_t d = 1; d < z.size(); ++d) sum -= z[d] * z[d - 1] * double(d);
      return sum;
    });
    Random random(53);
    std::vector<double> z(dim);
    for (double& x : z) x = random.normal();
    std::vector<double> gradient(dim);
    f(z, gradient);
    for (std::size_t d = 0; d < dim; ++d) {
      double expected = d == 0 ? -2 * z[0] : -z[d - 1] * double(d);
      if (d + 1 < dim) expected -= z[d + 1] * double(d + 1);
      EXPECT_NEAR(gradient[d], expected, 1e-14 * (1 + std::abs(expected)));
    }
  }
}

/// The accuracy that is documented, over sizes and units.
TEST(NumericGradient, IsGoodToElevenDigits) {
  const auto f = numeric_gradient([](std::span<const double> z) {
    return -0.5 * z[0] * z[0] + std::sin(z[1]) - std::log1p(z[2] * z[2]);
  });
  Random random(54);
  for (int i = 0; i < 200; ++i) {
    const std::vector<double> z{30 * random.normal(), random.normal(), random.normal()};
    std::vector<double> g(3);
    const double size = 1 + std::abs(f(z, g));
    EXPECT_NEAR(g[0], -z[0], 1e-11 * size);
    EXPECT_NEAR(g[1], std::cos(z[1]), 1e-11 * size);
    EXPECT_NEAR(g[2], -2 * z[2] / (1 + z[2] * z[2]), 1e-11 * size);
  }
}

TEST(NumericGradient, AtTheEdgeOfTheSupportIsOfOneSide) {
  const auto f = numeric_gradient([](std::span<const double> z) {
    return z[0] < 0 ? -std::numeric_limits<double>::infinity() : -3 * z[0];
  });
  std::vector<double> g(1);
  const std::vector<double> edge{0};
  EXPECT_EQ(f(edge, g), 0);
  EXPECT_NEAR(g[0], -3, 1e-6);
  const std::vector<double> near{1e-3};
  f(near, g);
  EXPECT_NEAR(g[0], -3, 1e-6);
  const std::vector<double> outside{-1};
  EXPECT_TRUE(std::isinf(f(outside, g)));
  EXPECT_TRUE(std::isnan(g[0]));
}

}  // namespace
}  // namespace riffle::test
