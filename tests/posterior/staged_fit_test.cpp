#include "posterior/staged_fit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "posterior/affine_parameters.h"
#include "posterior/densities.h"
#include "support/expect_error.h"

namespace riffle::test {
namespace {

StagedFit fit_of(const Density<double>& target, StagedOptions options = {}, std::size_t threads = 1,
                 const std::function<void(const StagedFit&)>& on_stage = {}) {
  const MeteredDensity metered(target);
  Executor executor(threads);
  options.set = InstructionSet::best();
  return staged_fit(metered, options, executor, on_stage);
}

std::vector<std::string> names_of(const StagedFit& fit) {
  std::vector<std::string> names;
  for (const auto& stage : fit.stages) names.push_back(stage.name);
  return names;
}

using Names = std::vector<std::string>;

OwnDensity some_normal() {
  return normal_density(random_point(4, 3, 1), random_covariance(4, 100, 2));
}

/// Skewed, as the logarithm of a gamma variable is, in each of two coordinates.
OwnDensity skewed() {
  return {2, [](const VectorXd& z, VectorXd& gradient) {
            gradient = (0.5 - z.array().exp()).matrix();
            return 0.5 * z.sum() - z.array().exp().sum();
          }};
}

OwnDensity two_modes(double apart) {
  return mixture_density({{0.7, Eigen::Vector2d(-apart, 0), MatrixXd::Identity(2, 2)},
                          {0.3, Eigen::Vector2d(apart, 0), MatrixXd::Identity(2, 2)}});
}

TEST(MeteredDensity, CountsPointsAndTime) {
  const auto target = some_normal();
  const MeteredDensity metered(target);
  EXPECT_EQ(metered.evaluations(), 0U);
  EXPECT_EQ(metered.seconds(), 0);
  const PointDensity points(metered);
  VectorXd gradient;
  VectorXd expected;
  const VectorXd z = random_point(4, 1, 3);
  EXPECT_EQ(points(z, gradient), PointDensity(target)(z, expected));
  EXPECT_EQ(gradient, expected);
  EXPECT_EQ(metered.evaluations(), 1U);
  MatrixXd many(4, 300);
  for (Index s = 0; s < many.cols(); ++s) many.col(s) = random_point(4, 1, 10 + std::uint64_t(s));
  const auto [log_p, slopes] = points.at(many);
  EXPECT_EQ(metered.evaluations(), 301U);
  EXPECT_GT(metered.seconds(), 0);
  for (Index s = 0; s < many.cols(); ++s) {
    EXPECT_EQ(log_p[s], points(many.col(s), gradient)) << s;
    EXPECT_EQ(slopes.col(s), gradient) << s;
  }
}

/// A half normal variable's logarithm: an exponential tail on the left, a steep one on the right.
OwnDensity log_half_normal() {
  return {1, [](const VectorXd& z, VectorXd& gradient) {
            const double x = std::exp(z[0]);
            gradient = VectorXd::Constant(1, 1 - x * x);
            return 0.5 * std::log(2 / std::numbers::pi) - 0.5 * x * x + z[0];
          }};
}

TEST(StagedFit, BendsInOneDimension) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    StagedOptions options;
    options.seed = seed;
    const auto fit = fit_of(log_half_normal(), options);
    EXPECT_EQ(names_of(fit), (Names{"modes", "normal", "flow"}));
    EXPECT_EQ(fit.flow.layers, "rqs(bins=32,bound=12):2 + affine-full");
    EXPECT_GT(fit.stages.back().ess_fraction, 0.99);
    EXPECT_NEAR(fit.elbo, 0, 0.01);
  }
}

TEST(StagedFit, OfANormalEndsWithANormal) {
  const auto fit = fit_of(some_normal());
  EXPECT_EQ(names_of(fit), (Names{"modes", "normal"}));
  EXPECT_EQ(fit.flow.base, "standard-normal");
  EXPECT_EQ(fit.flow.layers, "affine-full");
  EXPECT_NEAR(fit.elbo, 0, 1e-4);
  EXPECT_FALSE(fit.out_of_budget);
  EXPECT_FALSE(fit.interrupted);
}

TEST(StagedFit, TheNormalIsTheBestRatherThanLaplaces) {
  // z = 100 y with ln p = 4 y - e^y: of normals the ELBO is highest at mean ln 4 - 1/8, variance ¼.
  const OwnDensity target(2, [](const VectorXd& z, VectorXd& gradient) {
    gradient = ((4 - (z.array() / 100).exp()) / 100).matrix();
    return 4 * z.sum() / 100 - (z.array() / 100).exp().sum();
  });
  const auto fit = fit_of(target);
  ASSERT_EQ(fit.flow.layers, "affine-full");
  const auto found = normal_of(fit.flow.params, 2);
  for (Index d = 0; d < 2; ++d) {
    EXPECT_NEAR(found.mean[d] / 100, std::log(4) - 0.125, 0.02) << d;
    EXPECT_NEAR(found.lower(d, d) / 100, 0.5, 0.02) << d;
  }
}

TEST(StagedFit, OfASkewedDensityGoesOnToAFlow) {
  std::vector<std::string> told;
  const auto fit = fit_of(skewed(), {}, 1, [&](const StagedFit& so_far) {
    told.push_back(so_far.stages.back().name);
    // A flow can be had after each stage but the search.
    EXPECT_EQ(so_far.flow.layers.empty(), told.size() == 1);
  });
  // Chains teach it, and what they leave is for a gradient of the path, and for means and sds.
  auto names = names_of(fit);
  ASSERT_GE(names.size(), 4U);
  names.resize(4);
  EXPECT_EQ(names, (Names{"modes", "normal", "sampler", "taught"}));
  EXPECT_EQ(told, names_of(fit));
  EXPECT_NE(fit.flow.layers.find("iaf"), std::string::npos);
  ASSERT_TRUE(fit.sampled);
  EXPECT_TRUE(fit.sampled->converged);
  // ∫ e^(z/2 - e^z) dz = Γ(½), twice.
  EXPECT_NEAR(fit.elbo, std::log(std::numbers::pi), 0.05);
  EXPECT_GT(fit.steps, 0U);
  EXPECT_FALSE(fit.trace.empty());
  for (std::size_t k = 1; k < fit.stages.size(); ++k) {
    EXPECT_GT(fit.stages[k].gradients, fit.stages[k - 1].gradients);
    EXPECT_GE(fit.stages[k].seconds, fit.stages[k - 1].seconds);
  }
  for (const auto& point : fit.trace) EXPECT_LT(point.stage, fit.stages.size());
}

/// e^(-rⁿ) in the plane: flat, and then a wall.
OwnDensity walled(double n) {
  return {2, [n](const VectorXd& z, VectorXd& gradient) {
            const double r2 = z.squaredNorm();
            gradient = -n * std::pow(r2, n / 2 - 1) * z;
            return -std::pow(r2, n / 2);
          }};
}

TEST(StagedFit, AFewDrawsBeyondAWallDecideNothing) {
  for (const double n : {6.0, 12.0, 16.0}) {
    for (const std::uint64_t seed : {1U, 2U}) {
      const auto fit = fit_of(walled(n), {.seed = seed, .max_gradients = 1'000'000});
      const double log_z = std::log(2 * std::numbers::pi / n) + std::lgamma(2 / n);
      EXPECT_LE(fit.trimmed_elbo, log_z + 0.03) << n;
      EXPECT_GT(fit.trimmed_elbo, log_z - 0.5) << n;
      EXPECT_TRUE(fit.covers(fit.trimmed_elbo)) << n;
      EXPECT_GT(fit.stages.back().ess_fraction, 0.5) << n;
    }
  }
}

/// Shallow maxima on a ring of this width.
OwnDensity ring(double width, double height, int maxima) {
  return {2, [=](const VectorXd& z, VectorXd& gradient) {
            const double r = z.norm();
            const double angle = std::atan2(z[1], z[0]);
            const double off = (r - 4) / width;
            const double around = -maxima * height * std::sin(maxima * angle);
            gradient = -off / width * z / r + around * Eigen::Vector2d(-z[1], z[0]) / (r * r);
            return height * std::cos(maxima * angle) - 0.5 * off * off;
          }};
}

/// ∫ r exp(-((r - 4) / width)² / 2) dr ∫ exp(height cos(k a)) da.
double log_z_of_ring(double width, double height) {
  constexpr int n = 1000;
  double around = 0;
  for (int i = 0; i < n; ++i) {
    const double angle = 2 * std::numbers::pi * i / n;
    around += 2 * std::numbers::pi / n * std::exp(height * std::cos(angle));
  }
  return std::log(4 * width * std::sqrt(2 * std::numbers::pi) * around);
}

struct RingCase {
  double width;
  double height;
  int maxima;
};

class Ring : public testing::TestWithParam<RingCase> {};

TEST_P(Ring, IsLinedWithNormals) {
  const auto [width, height, maxima] = GetParam();
  const auto fit = fit_of(ring(width, height, maxima), {.max_gradients = 3'000'000});
  const double log_z = log_z_of_ring(width, height);
  EXPECT_EQ(fit.search.modes.size(), static_cast<std::size_t>(maxima));
  const auto names = names_of(fit);
  ASSERT_GE(names.size(), 3U);
  EXPECT_EQ(names[1], "mixture");
  EXPECT_EQ(names[2], "mixture");
  EXPECT_LT(fit.stages[1].ess_fraction, 0.5);
  EXPECT_GT(fit.stages[2].ess_fraction, 0.85);
  EXPECT_LT(fit.stages[2].gradients, 400'000U);
  // A part that is missed, as a gap, would be missing in the bound.
  EXPECT_GT(fit.trimmed_elbo, log_z - 0.12);
  EXPECT_LT(fit.trimmed_elbo, log_z + 0.03);
  EXPECT_TRUE(fit.covers(fit.trimmed_elbo));
}

INSTANTIATE_TEST_SUITE_P(All, Ring,
                         testing::Values(RingCase{0.1, 0.3, 5}, RingCase{0.1, 0.01, 2},
                                         RingCase{0.15, 0.1, 5}));

TEST(StagedFit, ARingIsTheSameOnTwoThreads) {
  const StagedOptions options{.seed = 2, .max_gradients = 150'000};
  const auto one = fit_of(ring(0.2, 0.01, 2), options, 1);
  const auto two = fit_of(ring(0.2, 0.01, 2), options, 2);
  EXPECT_EQ(one.flow.base, two.flow.base);
  EXPECT_EQ(one.flow.params, two.flow.params);
  EXPECT_EQ(one.elbo, two.elbo);
}

TEST(StagedFit, MeansAndSdsAreMendedWhereTheyAreWhatIsWrong) {
  // Logarithms of gamma variables: skewed a little in each coordinate.
  const OwnDensity target(6, [](const VectorXd& z, VectorXd& gradient) {
    gradient = (6 - z.array().exp()).matrix();
    return 6 * z.sum() - z.array().exp().sum();
  });
  const auto fit = fit_of(target);
  for (const auto& stage : fit.stages) {
    const bool last = &stage == &fit.stages.back();
    EXPECT_EQ(stage.told.find("which is enough") != std::string::npos, last) << stage.told;
  }
}

TEST(StagedFit, OfTwoModesCoversBoth) {
  const auto fit = fit_of(two_modes(8));
  EXPECT_EQ(names_of(fit), (Names{"modes", "mixture"}));
  EXPECT_EQ(fit.search.modes.size(), 2U);
  EXPECT_EQ(fit.left_out(0), 0);
  EXPECT_NEAR(fit.elbo, 0, 0.01);
}

TEST(StagedFit, SaysWhatIsLeftOut) {
  auto fit = fit_of(two_modes(8));
  const auto at = [](double x) {
    return std::vector<double>{0, 0, 0, x, 0};  // affine-full: l, L, t
  };
  fit.flow =
      make_trained_model<double>("standard-normal", "affine-full", {2, 0, InstructionSet::best()});
  fit.flow.params = at(-8);
  EXPECT_NEAR(fit.left_out(0), 0.3, 0.001);
  fit.flow.params = at(8);
  EXPECT_NEAR(fit.left_out(0), 0.7, 0.001);
  // Nothing is where q is.
  fit.flow.params = at(100);
  EXPECT_EQ(fit.left_out(0), 1);
  fit.search.modes.clear();
  EXPECT_EQ(fit.left_out(0), 0);
}

TEST(StagedFit, InManyDimensionsAModeLostIsToldFromAWideQ) {
  constexpr Index dim = 32;
  const auto unit = *make_normal(VectorXd::Zero(dim), MatrixXd::Identity(dim, dim));
  const double top = -unit.half_log_volume();
  StagedFit fit;
  for (const double x : {0.0, 4.0}) {
    auto normal = unit;
    normal.mean[0] = x;
    fit.search.modes.push_back({normal, std::log(0.5) + top, std::log(0.5), 5});
  }
  const auto q = [&](double wide, double first) {
    auto normal = unit;
    normal.lower *= wide;
    normal.lower(0, 0) = first;
    normal.mean[0] = first > 1 ? 2 : 0;
    fit.flow = make_trained_model<double>("standard-normal", "affine-full",
                                          {dim, 0, InstructionSet::best()});
    fit.flow.params = affine_parameters(normal);
    return fit.left_out(0);
  };
  // Wider by a fifth in each coordinate, so 6 nats lower at both tops; or 8 nats lower at one.
  EXPECT_EQ(q(1.2, 2.2), 0);
  EXPECT_EQ(q(1, 1), 0.5);
}

TEST(StagedFit, IsTheSameOnTwoThreads) {
  for (const auto& target : {skewed(), two_modes(8)}) {
    const auto one = fit_of(target, {.seed = 3}, 1);
    const auto two = fit_of(target, {.seed = 3}, 2);
    EXPECT_EQ(one.flow.layers, two.flow.layers);
    EXPECT_EQ(one.flow.params, two.flow.params);
    EXPECT_EQ(one.elbo, two.elbo);
    EXPECT_NE(one.flow.params, fit_of(target, {.seed = 4}).flow.params);
  }
}

TEST(StagedFit, IsTheSameOnTwoThreadsWhereGradientsRunOut) {
  for (const std::uint64_t most : {1U, 60U, 200U, 10'000U, 40'000U}) {
    for (const auto& target : {skewed(), two_modes(8)}) {
      const StagedOptions options{.max_gradients = most};
      const auto one = fit_of(target, options, 1);
      const auto two = fit_of(target, options, 2);
      EXPECT_EQ(one.flow.params, two.flow.params) << most;
      EXPECT_EQ(names_of(one), names_of(two)) << most;
      EXPECT_EQ(one.stages.back().gradients, two.stages.back().gradients) << most;
    }
  }
}

TEST(StagedFit, SpendsNoMoreGradientsThanItMay) {
  for (const auto& target : {skewed(), two_modes(8)}) {
    for (const std::uint64_t most : {3'000U, 10'000U, 30'000U, 60'000U}) {
      for (const std::uint64_t final_draws : {0U, 2'000U, 24'000U}) {
        const auto fit = fit_of(target, {.max_gradients = most, .final_draws = final_draws});
        EXPECT_FALSE(fit.interrupted);
        const auto spent = fit.stages.back().gradients;
        const auto aside =
            std::min(final_draws, std::max<std::uint64_t>(most / 5, std::min(1000UL, most / 2)));
        EXPECT_LE(spent + aside, most) << final_draws;
        EXPECT_FALSE(fit.flow.layers.empty());
        for (const double p : fit.flow.params) EXPECT_TRUE(std::isfinite(p));
        if (most < 30'000) {
          EXPECT_TRUE(fit.out_of_budget) << most;
        }
      }
    }
    // The first climbs are made whatever they take.
    const auto least = fit_of(target, {.max_gradients = 1});
    EXPECT_TRUE(least.out_of_budget);
    EXPECT_EQ(least.search.climbs, 8U);
    EXPECT_FALSE(least.flow.layers.empty());
    const auto whole = fit_of(target);
    EXPECT_FALSE(whole.out_of_budget);
    // What did for all is no different from what has no end.
    const auto spent = whole.stages.back().gradients;
    const auto ample = fit_of(target, {.max_gradients = 2 * spent, .final_draws = 1'000});
    EXPECT_FALSE(ample.out_of_budget);
    EXPECT_EQ(ample.flow.params, whole.flow.params);
  }
}

TEST(StagedFit, EndsWhenTimeRunsOut) {
  for (const auto& target : {skewed(), two_modes(8)}) {
    const auto fit = fit_of(target, {.max_seconds = 0});
    EXPECT_TRUE(fit.out_of_budget);
    EXPECT_EQ(names_of(fit), Names{"modes"});
    EXPECT_EQ(fit.flow.layers, "affine-full");
  }
}

TEST(StagedFit, EndsWhenInterrupted) {
  // At any time: before the first climb, during the search, in training.
  for (const int calls : {0, 1, 5, 12, 25, 40}) {
    int asked = 0;
    StagedOptions options;
    options.interrupted = [&] { return asked++ >= calls; };
    const auto fit = fit_of(skewed(), options);
    EXPECT_TRUE(fit.interrupted) << calls;
    EXPECT_FALSE(fit.out_of_budget) << calls;
    EXPECT_FALSE(fit.flow.layers.empty()) << calls;
  }
}

TEST(StagedFit, OfWhatIsNowhereFiniteIsAnError) {
  const OwnDensity none(
      3, [](const VectorXd&, VectorXd&) { return std::numeric_limits<double>::quiet_NaN(); });
  const auto message = message_of(ErrorKind::data, [&] { fit_of(none); });
  EXPECT_TRUE(contains(message, "at none of 104 starts")) << message;
}

TEST(StagedFit, AtTheEdgeOfASupportHasAStart) {
  // Exponential from 1 on: no normal stays inside, and the top is on the edge.
  const OwnDensity edge(2, [](const VectorXd& z, VectorXd& gradient) {
    if (z.minCoeff() < 1) return -std::numeric_limits<double>::infinity();
    gradient = -VectorXd::Ones(2);
    return 2 - z.sum();
  });
  const auto fit = fit_of(edge);
  EXPECT_EQ(names_of(fit).front(), "modes");
  for (const double p : fit.flow.params) EXPECT_TRUE(std::isfinite(p));
}

}  // namespace
}  // namespace riffle::test
