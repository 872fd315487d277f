#include "posterior/lbfgs.h"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <atomic>

#include "posterior/densities.h"
#include "posterior/metered_density.h"

namespace riffle::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

void expect_ascending(const Ascent& ascent) {
  ASSERT_FALSE(ascent.path.empty());
  for (std::size_t k = 1; k < ascent.path.size(); ++k) {
    EXPECT_GE(ascent.path[k].log_p, ascent.path[k - 1].log_p) << "at point " << k;
  }
}

/// ln p = -a (y - x²)² - (x - 1)²: a valley that bends, with its top at (1, 1).
OwnDensity rosenbrock(double a) {
  return {2, [a](const VectorXd& z, VectorXd& gradient) {
            const double off = z[1] - z[0] * z[0];
            gradient[0] = 4 * a * off * z[0] - 2 * (z[0] - 1);
            gradient[1] = -2 * a * off;
            return -a * off * off - (z[0] - 1) * (z[0] - 1);
          }};
}

TEST(Climb, FindsTheTopOfIllConditionedNormals) {
  for (const Index dim : {1, 2, 10, 50}) {
    for (const double condition : {1.0, 1e4, 1e8}) {
      const VectorXd mean = random_point(dim, 3, 5);
      const MatrixXd covariance = random_covariance(dim, condition, 7);
      const auto density = normal_density(mean, covariance);
      const auto ascent = climb(PointDensity(density), random_point(dim, 2, 9));
      EXPECT_TRUE(ascent.converged) << dim << ' ' << condition;
      expect_ascending(ascent);
      // What is left to gain is far below the thousandth of a nat that a mode may lack.
      const VectorXd off = ascent.path.back().z - mean;
      EXPECT_LT(off.dot(covariance.llt().solve(off)) / 2, 1e-4) << dim << ' ' << condition;
    }
  }
}

TEST(Climb, FollowsABentValley) {
  for (const double a : {1.0, 100.0, 10'000.0}) {
    const auto density = rosenbrock(a);
    for (const auto& start : {Eigen::Vector2d(-1.2, 1), Eigen::Vector2d(5, -5)}) {
      const auto ascent = climb(PointDensity(density), start);
      EXPECT_TRUE(ascent.converged) << a;
      expect_ascending(ascent);
      EXPECT_NEAR(ascent.path.back().z[0], 1, 1e-3) << a;
      EXPECT_NEAR(ascent.path.back().z[1], 1, 1e-3) << a;
      EXPECT_EQ(ascent.path.front().z, start);
    }
  }
}

TEST(Climb, StartsAtTheTopAndStaysThere) {
  const auto density = normal_density(VectorXd::Zero(3), MatrixXd::Identity(3, 3));
  const auto ascent = climb(PointDensity(density), VectorXd::Zero(3));
  EXPECT_TRUE(ascent.converged);
  EXPECT_EQ(ascent.path.size(), 1U);
}

TEST(Climb, ALargeConstantHidesNoTop) {
  // As of a model of very many observations: what is left to gain is below rounding of ln p.
  for (const double constant : {1e6, -1e9, -1e12}) {
    const OwnDensity density(4, [&](const VectorXd& z, VectorXd& gradient) {
      VectorXd scale(4);
      scale << 1, 10, 1e3, 1e5;
      gradient = -(scale.asDiagonal() * z);
      return 0.5 * z.dot(gradient) + constant;
    });
    const auto ascent = climb(PointDensity(density), random_point(4, 1, 3));
    EXPECT_TRUE(ascent.converged) << constant;
    expect_ascending(ascent);
  }
}

TEST(Climb, OutsideTheSupportItDoesNotBegin) {
  for (const double value : {nan, -inf, inf}) {
    const OwnDensity density(2, [&](const VectorXd&, VectorXd&) { return value; });
    const auto ascent = climb(PointDensity(density), VectorXd::Zero(2));
    EXPECT_TRUE(ascent.path.empty()) << value;
    EXPECT_FALSE(ascent.converged) << value;
  }
  const OwnDensity no_slope(2, [](const VectorXd&, VectorXd& gradient) {
    gradient[1] = nan;
    return 0.0;
  });
  EXPECT_TRUE(climb(PointDensity(no_slope), VectorXd::Zero(2)).path.empty());
}

TEST(Climb, StepsOutOfTheSupportAreHalved) {
  // ln p = 3 ln z - z on z > 0, top at 3; the first steps from near 0 or far out leave the support.
  for (const double outside : {nan, -inf, inf}) {
    std::atomic<int> left{0};
    const OwnDensity density(1, [&](const VectorXd& z, VectorXd& gradient) {
      if (z[0] <= 0) {
        ++left;
        gradient[0] = nan;
        return outside;
      }
      gradient[0] = 3 / z[0] - 1;
      return 3 * std::log(z[0]) - z[0];
    });
    const auto ascent = climb(PointDensity(density), VectorXd::Constant(1, 80));
    EXPECT_GT(left, 0) << outside;
    EXPECT_TRUE(ascent.converged) << outside;
    expect_ascending(ascent);
    for (const auto& point : ascent.path) EXPECT_GT(point.z[0], 0);
    EXPECT_NEAR(ascent.path.back().z[0], 3, 1e-3) << outside;
  }
}

TEST(Climb, ADensityWithoutATopEndsItUnconverged) {
  const OwnDensity slope(2, [](const VectorXd& z, VectorXd& gradient) {
    gradient[0] = 1;
    gradient[1] = -z[1];
    return z[0] - 0.5 * z[1] * z[1];
  });
  const auto ascent = climb(PointDensity(slope), VectorXd::Ones(2), {.most_points = 40});
  EXPECT_FALSE(ascent.converged);
  EXPECT_EQ(ascent.path.size(), 40U);
  expect_ascending(ascent);
  const MeteredDensity metered(slope);
  const auto few = climb(PointDensity(metered), VectorXd::Ones(2), {.most_evaluations = 20});
  EXPECT_FALSE(few.converged);
  EXPECT_EQ(few.evaluations, metered.evaluations());
  EXPECT_GE(few.evaluations, 20U);
  EXPECT_LT(few.evaluations, 20U + 30);  // halvings of the last step
}

TEST(InverseHessian, IsThatOfAQuadraticAfterEnoughSteps) {
  // BFGS with exact line searches ends so; here steps are good, not exact, so it needs a few more.
  for (const Index dim : {1, 3, 6}) {
    const MatrixXd covariance = random_covariance(dim, 20, 11);
    const auto density = normal_density(VectorXd::Zero(dim), covariance);
    const auto ascent = climb(PointDensity(density), random_point(dim, 10, 13), {.gain = 1e-25});
    const auto last = ascent.path.size() - 1;
    ASSERT_GT(last, std::size_t(dim));
    const MatrixXd estimate = inverse_hessian_estimate(ascent, last);
    EXPECT_LT((estimate - covariance).norm(), 0.05 * covariance.norm()) << dim;
    EXPECT_EQ(inverse_hessian_estimate(ascent, 0), MatrixXd::Identity(dim, dim));
    // The latest step's secant equation, H⁻¹ y = s, holds to rounding.
    const auto& a = ascent.path[last - 1];
    const auto& b = ascent.path[last];
    const VectorXd change = a.gradient - b.gradient;
    EXPECT_LT((estimate * change - (b.z - a.z)).norm(), 1e-6 * (b.z - a.z).norm()) << dim;
  }
}

TEST(InverseHessian, StaysPositiveDefiniteWhereLnPIsNotConcave) {
  // Student's t in each coordinate of a rotated plane, and two bumps: both curve upwards outside.
  const MatrixXd axes = random_covariance(2, 9, 17);
  const OwnDensity tails(2, [&](const VectorXd& z, VectorXd& gradient) {
    const VectorXd x = axes * z;
    VectorXd slope(2);
    double sum = 0;
    for (Index d = 0; d < 2; ++d) {
      sum -= std::log1p(x[d] * x[d]);
      slope[d] = -2 * x[d] / (1 + x[d] * x[d]);
    }
    gradient = axes.transpose() * slope;
    return sum;
  });
  const auto bumps = mixture_density({{0.5, VectorXd::Constant(2, 3), MatrixXd::Identity(2, 2)},
                                      {0.5, VectorXd::Constant(2, -3), MatrixXd::Identity(2, 2)}});
  bool upwards = false;
  for (const Density<double>* density :
       {static_cast<const Density<double>*>(&tails), static_cast<const Density<double>*>(&bumps)}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const auto ascent = climb(PointDensity(*density), random_point(2, 4, seed));
      expect_ascending(ascent);
      for (std::size_t k = 0; k < ascent.path.size(); ++k) {
        const Eigen::LLT<MatrixXd> factor(inverse_hessian_estimate(ascent, k));
        EXPECT_EQ(factor.info(), Eigen::Success) << seed << ' ' << k;
        if (k == 0) continue;
        const auto& a = ascent.path[k - 1];
        const auto& b = ascent.path[k];
        upwards = upwards || (b.z - a.z).dot(a.gradient - b.gradient) < 0;
      }
    }
  }
  EXPECT_TRUE(upwards) << "no climb met a place where ln p curves upwards";
}

}  // namespace
}  // namespace riffle::test
