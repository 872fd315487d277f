// check_gradient of a target, as users call it: every wrong coordinate with its figures.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "riffle/diagnostics.h"
#include "riffle/error.h"
#include "riffle/gradients.h"
#include "riffle/targets.h"

namespace riffle::test {
namespace {

/// -Σ cosh(z_d), whose derivatives are none of differences' exact ones.
double log_p(std::span<const double> z, std::span<double> gradient) {
  double sum = 0;
  for (std::size_t d = 0; d < z.size(); ++d) {
    sum -= std::cosh(z[d]);
    gradient[d] = -std::sinh(z[d]);
  }
  return sum;
}

TEST(CheckGradient, ARightOnePasses) {
  for (const std::size_t dim : {1U, 5U, 40U}) {
    const auto check = check_gradient(*make_target(dim, log_p));
    EXPECT_TRUE(check.passed());
    EXPECT_FALSE(check.fault);
    EXPECT_TRUE(check.faults.empty());
    EXPECT_EQ(check.points, 8U);
    EXPECT_EQ(check.compared, 8 * dim);
    EXPECT_LE(check.evaluations, 8 * (1 + 25 * dim));
  }
}

TEST(CheckGradient, EveryBuiltInTargetPasses) {
  for (const auto& name : built_in_targets()) {
    if (name == "logistic") continue;  // needs a file
    const auto check = check_gradient(*built_in_target(name));
    EXPECT_TRUE(check.passed()) << name << ": " << check.wrong << " of " << check.compared
                                << " wrong, " << check.not_finite << " not finite";
  }
}

TEST(CheckGradient, EachWrongCoordinateIsNamedWithItsFigures) {
  const auto target = make_target(6, [](std::span<const double> z, std::span<double> gradient) {
    const double value = log_p(z, gradient);
    gradient[1] *= 1.1;
    gradient[4] += 0.5;
    return value;
  });
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto check = check_gradient(*target, {.seed = seed});
    EXPECT_FALSE(check.passed());
    ASSERT_EQ(check.faults.size(), 2U);
    EXPECT_EQ(check.faults[0].coordinate, 1U);
    EXPECT_EQ(check.faults[1].coordinate, 4U);
    EXPECT_GE(check.wrong, 12U);
    EXPECT_LE(check.wrong, 16U);
    for (const auto& f : check.faults) {
      const double right = -std::sinh(f.at);
      EXPECT_NEAR(f.difference, right, 2e-3 * (1 + std::abs(right)));
      EXPECT_EQ(f.given, f.coordinate == 1 ? 1.1 * right : right + 0.5);
    }
    ASSERT_TRUE(check.fault);
    EXPECT_EQ(check.fault->coordinate, 4U);
  }
}

TEST(CheckGradient, OneOfVeryManyIsFound) {
  const auto target = make_target(300, [](std::span<const double> z, std::span<double> gradient) {
    const double value = log_p(z, gradient);
    gradient[217] = 0;
    return value;
  });
  for (const std::size_t coordinates : {std::size_t{5}, std::size_t{1000}}) {
    const auto check =
        check_gradient(*target, {.seed = 3, .points = 4, .coordinates = coordinates});
    ASSERT_EQ(check.faults.size(), 1U) << coordinates;
    EXPECT_EQ(check.fault->coordinate, 217U);
    EXPECT_EQ(check.fault->given, 0);
  }
}

TEST(CheckGradient, AGradientThatIsNoNumberFails) {
  const auto target = make_target(2, [](std::span<const double> z, std::span<double> gradient) {
    const double value = log_p(z, gradient);
    if (z[0] > 0) gradient[1] = std::numeric_limits<double>::quiet_NaN();
    return value;
  });
  const auto check = check_gradient(*target);
  EXPECT_GT(check.not_finite, 0U);
  EXPECT_EQ(check.wrong, 0U);
  EXPECT_FALSE(check.passed());
}

TEST(CheckGradient, WhereThereIsNothingToCompareItDoesNotPass) {
  const auto nowhere = make_target(2, [](std::span<const double>, std::span<double>) {
    return -std::numeric_limits<double>::infinity();
  });
  const auto check = check_gradient(*nowhere, {.seed = 1, .points = 3});
  EXPECT_FALSE(check.passed());
  EXPECT_EQ(check.outside, 30U);
  EXPECT_EQ(check.points, 0U);
}

TEST(CheckGradient, RefusesToLookAtNothing) {
  const auto target = make_target(1, log_p);
  EXPECT_THROW(check_gradient(*target, {.seed = 1, .points = 0}), Error);
  EXPECT_THROW(check_gradient(*target, {.seed = 1, .points = 1, .coordinates = 0}), Error);
}

}  // namespace
}  // namespace riffle::test
