#include "diagnostics/importance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "support/random.h"

namespace riffle {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> logs(std::vector<double> weights) {
  for (double& w : weights) w = std::log(w);
  return weights;
}

/// Weights of N(0, 1) times e^log_z under draws of N(0, spread²).
std::vector<double> normal_weights(std::size_t n, double spread, double log_z, std::uint64_t seed) {
  test::Random random(seed);
  std::vector<double> weights(n);
  for (double& w : weights) {
    const double e = random.normal();
    w = log_z + 0.5 * e * e * (1 - spread * spread) + std::log(spread);
  }
  return weights;
}

TEST(Importance, FourWeightsByHand) {
  const auto found = importance(logs({1, 2, 3, 6}));
  EXPECT_EQ(found.draws, 4U);
  EXPECT_EQ(found.zero + found.invalid, 0U);
  EXPECT_NEAR(found.log_z, std::log(3), 1e-15);
  // The variance of the weights is (4 + 1 + 0 + 9)/3.
  EXPECT_NEAR(found.log_z_se, std::sqrt(14.0 / 3 / 4) / 3, 1e-15);
  EXPECT_NEAR(found.elbo, std::log(36) / 4, 1e-15);
  double squares = 0;
  for (const double w : {1.0, 2.0, 3.0, 6.0}) squares += std::pow(std::log(w) - found.elbo, 2);
  EXPECT_NEAR(found.elbo_se, std::sqrt(squares / 3 / 4), 1e-15);
  EXPECT_NEAR(found.ess, 144.0 / 50, 1e-14);
  EXPECT_NEAR(found.ess_fraction, 36.0 / 50, 1e-15);
  EXPECT_NEAR(found.largest_share, 0.5, 1e-15);
  EXPECT_NEAR(found.half_gap, std::log(1.5 / 4.5) / std::sqrt(0.5 / 2 / 2.25 + 4.5 / 2 / 20.25),
              1e-14);
  EXPECT_FALSE(found.khat);
  EXPECT_FALSE(found.log_z_se_holds);
  EXPECT_FALSE(found.collapsed);
}

TEST(Importance, AScaleBeyondTheExponentsOfDoubles) {
  const auto plain = importance(logs({1, 2, 3, 6}));
  for (const double shift : {1e5, -1e5}) {
    auto weights = logs({1, 2, 3, 6});
    for (double& w : weights) w += shift;
    const auto found = importance(weights);
    EXPECT_NEAR(found.log_z, plain.log_z + shift, 1e-10);
    EXPECT_NEAR(found.elbo, plain.elbo + shift, 1e-10);
    EXPECT_NEAR(found.log_z_se, plain.log_z_se, 1e-10);
    EXPECT_NEAR(found.ess, plain.ess, 1e-9);
    EXPECT_NEAR(found.half_gap, plain.half_gap, 1e-10);
  }
}

TEST(Importance, ErrorsCoverTheTruth) {
  int log_z_inside = 0;
  int elbo_inside = 0;
  constexpr int runs = 300;
  const double spread = 1.3;
  const double elbo = -5 + std::log(spread) + 0.5 * (1 - spread * spread);
  for (int run = 0; run < runs; ++run) {
    const auto found = importance(normal_weights(500, spread, -5, static_cast<std::uint64_t>(run)));
    log_z_inside += std::abs(found.log_z + 5) < 2 * found.log_z_se;
    elbo_inside += std::abs(found.elbo - elbo) < 2 * found.elbo_se;
    EXPECT_TRUE(found.log_z_se_holds);
  }
  EXPECT_NEAR(log_z_inside, 0.954 * runs, 15);
  EXPECT_NEAR(elbo_inside, 0.954 * runs, 15);
}

TEST(Importance, ZerosAreWeightsAndWhatIsNoNumberIsCounted) {
  const auto found = importance(std::vector<double>{0, -inf, nan, inf, 0, nan, 0, 0, -inf, 0});
  EXPECT_EQ(found.zero, 2U);
  EXPECT_EQ(found.invalid, 3U);
  EXPECT_NEAR(found.log_z, std::log(0.5), 1e-15);
  // The bound is that of the half of q that stays: it is no more than log Z.
  EXPECT_NEAR(found.elbo, std::log(0.5), 1e-15);
  EXPECT_EQ(found.outside, 0.5);
  EXPECT_NEAR(found.ess, 5, 1e-14);
  EXPECT_NEAR(found.ess_fraction, 0.5, 1e-15);
}

TEST(Importance, WithoutAnyWeightThereAreNoFigures) {
  for (const auto& weights : {std::vector<double>{}, std::vector<double>(10, -inf),
                              std::vector<double>{nan, -inf, inf}}) {
    const auto found = importance(weights);
    EXPECT_TRUE(found.collapsed);
    for (const double figure :
         {found.log_z, found.log_z_se, found.elbo, found.elbo_se, found.trimmed_elbo, found.outside,
          found.ess, found.ess_fraction, found.largest_share, found.half_gap}) {
      EXPECT_TRUE(std::isnan(figure));
    }
    EXPECT_FALSE(found.khat);
    EXPECT_FALSE(found.log_z_se_holds);
    EXPECT_TRUE(normalised_weights(weights).empty());
  }
}

TEST(Importance, APerfectFit) {
  const auto found = importance(std::vector<double>(1000, -3.5));
  EXPECT_EQ(found.log_z, -3.5);
  EXPECT_EQ(found.log_z_se, 0);
  EXPECT_EQ(found.elbo, -3.5);
  EXPECT_EQ(found.elbo_se, 0);
  EXPECT_EQ(found.ess, 1000);
  EXPECT_EQ(found.half_gap, 0);
  EXPECT_FALSE(found.khat);
  EXPECT_TRUE(found.log_z_se_holds);
}

/// ln p and ln q of the standard normal distribution in `dim` dimensions, each rounded in its own
/// way, where ln p has a constant added.
std::pair<std::vector<double>, std::vector<double>> rounded(std::size_t dim, double constant,
                                                            std::uint64_t seed) {
  test::Random random(seed);
  std::vector<double> log_p;
  std::vector<double> log_q;
  for (int i = 0; i < 20'000; ++i) {
    double up = 0;
    double down = 0;
    std::vector<double> z(dim);
    for (double& x : z) x = random.normal();
    for (std::size_t d = 0; d < dim; ++d) up -= 0.5 * z[d] * z[d];
    for (std::size_t d = dim; d-- > 0;) down -= 0.5 * (z[d] * z[d] + 1.8378770664093453);
    log_p.push_back(up + constant);
    log_q.push_back(down);
  }
  return {log_p, log_q};
}

TEST(Importance, RoundingIsNoDisagreement) {
  for (const std::size_t dim : {1UL, 10UL, 100UL}) {
    for (const double constant : {0.0, 1e3, -1e6, 1e9}) {
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        const auto [log_p, log_q] = rounded(dim, constant, seed);
        const auto found = importance(log_p, log_q);
        EXPECT_LT(std::abs(found.half_gap), 4) << dim << " dimensions, " << constant;
        EXPECT_GT(found.ess_fraction, 0.999);
        EXPECT_LT(found.rounding, 1e-6);
      }
    }
  }
}

TEST(Importance, HalvesThatDisagreeByMoreThanRoundingStillDo) {
  std::vector<double> weights(10'000, 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = (i < 5'000 ? 1e-3 : 0) + 1e-5 * static_cast<double>(i % 7);
  }
  EXPECT_GT(importance(weights).half_gap, 100);
  EXPECT_LT(importance(weights, 1).half_gap, 1);
}

TEST(Importance, RoundingIsThatOfTheLogarithmsWhereTheWeightIs) {
  for (const double constant : {1e13, -1e15, 1e16, 1e17}) {
    const auto [log_p, log_q] = rounded(2, constant, 1);
    const auto found = importance(log_p, log_q);
    const double digit = std::nextafter(std::abs(constant), inf) - std::abs(constant);
    EXPECT_NEAR(found.rounding / digit, 1, 1e-3) << constant;
    EXPECT_GE(found.log_z_se, found.rounding) << constant;
  }
  // A draw without weight may have any ln p.
  const std::vector<double> log_p{-1, -2, -1e18};
  const std::vector<double> log_q{-1, -2, -3};
  EXPECT_LT(rounding_of(log_p, log_q), 1e-15);
  EXPECT_EQ(rounding_of(std::vector<double>{nan}, std::vector<double>{0}), 0);
}

TEST(Importance, AFewDrawsBeyondASteepWallHaveNoSayInTheTrimmedBound) {
  auto weights = normal_weights(10'000, 1.1, -5, 3);
  const auto before = importance(weights);
  EXPECT_EQ(before.trimmed_elbo, before.elbo);
  EXPECT_EQ(before.outside, 0);
  for (std::size_t i = 0; i < 20; ++i) weights[500 * i] = -1e6 * static_cast<double>(i + 1);
  const auto found = importance(weights);
  EXPECT_LT(found.elbo, -10'000);
  EXPECT_NEAR(found.trimmed_elbo, before.elbo - 0.002, 1e-3);
  EXPECT_NEAR(found.trimmed_elbo_se, before.elbo_se, 0.001);
  EXPECT_NEAR(found.outside, 0.002, 1e-12);
  EXPECT_LE(found.trimmed_elbo, found.log_z);
  // What is spread out as a normal distribution is has no outside, however wide it is.
  test::Random random(7);
  for (double& w : weights) w = 30 * random.normal();
  EXPECT_EQ(importance(weights).outside, 0);
}

TEST(Importance, AnErrorIsNotBelievedUnderAHeavyTail) {
  std::vector<double> weights;
  for (int i = 0; i < 20'000; ++i) weights.push_back(-0.8 * std::log((i + 0.5) / 20'000));
  const auto found = importance(weights);
  ASSERT_TRUE(found.khat);
  EXPECT_GT(*found.khat, 0.7);
  EXPECT_GT(found.ess, 100);
  EXPECT_LT(found.ess_fraction, 0.5);
  EXPECT_FALSE(found.log_z_se_holds);
}

TEST(Importance, DifferencesOfLogDensities) {
  const std::vector<double> log_p{1, -inf, nan, -inf, 2};
  const std::vector<double> log_q{3, 2, 1, inf, inf};
  const auto found = log_weights(log_p, log_q);
  EXPECT_EQ(found[0], -2);
  EXPECT_EQ(found[1], -inf);
  for (std::size_t i = 2; i < 5; ++i) EXPECT_TRUE(std::isnan(found[i])) << i;
}

TEST(Importance, NormalisedWeights) {
  const auto found = normalised_weights(
      std::vector<double>{800, 800 + std::log(2), nan, -inf, inf, 800 + std::log(5)});
  const std::vector<double> expected{0.125, 0.25, 0, 0, 0, 0.625};
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-12) << i;
}

TEST(Resample, EachDrawAsOftenAsItsWeightSays) {
  // Ties at the top leave the weights as they are: no tail can be fitted.
  std::vector<double> weights(100);
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = std::log(1 + static_cast<double>(i % 4));
  weights[17] = -inf;
  weights[99] = nan;
  const auto normalised = normalised_weights(weights);
  constexpr std::size_t count = 10'000;
  const auto found = resample(weights, count, {7, Purpose::draws, 3});
  ASSERT_EQ(found.status, ResampleStatus::ok);
  ASSERT_EQ(found.indices.size(), count);
  EXPECT_TRUE(std::ranges::is_sorted(found.indices));
  std::vector<double> times(weights.size());
  for (const auto i : found.indices) ++times[i];
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_LE(std::abs(times[i] - count * normalised[i]), 2) << i;
  }
  EXPECT_EQ(found.distinct, std::set(found.indices.begin(), found.indices.end()).size());
  EXPECT_EQ(found.distinct, 98U);
}

TEST(Resample, IsUnbiased) {
  const auto weights = normal_weights(200, 1.3, 0, 5);
  const auto expected = normalised_weights(weights);
  std::vector<double> times(weights.size());
  constexpr int runs = 2000;
  constexpr std::size_t count = 50;
  for (std::uint64_t run = 0; run < runs; ++run) {
    for (const auto i : resample(weights, count, {run, Purpose::draws, 0}).indices) ++times[i];
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double mean = runs * count * expected[i];
    EXPECT_NEAR(times[i], mean, 5 * std::sqrt(mean) + 0.05 * mean) << i;
  }
}

TEST(Resample, TheStreamDecides) {
  const auto weights = normal_weights(500, 1.3, 0, 5);
  const auto one = resample(weights, 300, {1, Purpose::draws, 0});
  EXPECT_EQ(one.indices, resample(weights, 300, {1, Purpose::draws, 0}).indices);
  EXPECT_NE(one.indices, resample(weights, 300, {2, Purpose::draws, 0}).indices);
  EXPECT_NE(one.indices, resample(weights, 300, {1, Purpose::draws, 1}).indices);
}

TEST(Resample, IsByTheSmoothedWeights) {
  std::vector<double> weights;
  for (int i = 0; i < 2000; ++i) weights.push_back(-0.7 * std::log((i + 0.5) / 2000));
  const auto raw = normalised_weights(weights);
  constexpr std::size_t count = 20'000;
  const auto found = resample(weights, count, {1, Purpose::draws, 0});
  ASSERT_EQ(found.status, ResampleStatus::ok);
  const auto times = static_cast<double>(std::ranges::count(found.indices, std::size_t{0}));
  EXPECT_LT(times, 0.97 * count * raw[0]);  // the largest weight, which smoothing lowers
}

TEST(Resample, RefusesWhereWeightsCollapse) {
  const RandomStream stream{1, Purpose::draws, 0};
  EXPECT_EQ(resample(std::vector<double>(50, -inf), 10, stream).status, ResampleStatus::no_weight);
  EXPECT_EQ(resample(std::vector<double>{}, 10, stream).status, ResampleStatus::no_weight);
  EXPECT_EQ(resample(std::vector<double>{nan, nan}, 10, stream).status, ResampleStatus::no_weight);
  // All weight on a few: others underflow against them.
  std::vector<double> concentrated(1000, -2000.0);
  concentrated[3] = concentrated[4] = 0;
  const auto found = resample(concentrated, 10, stream);
  EXPECT_EQ(found.status, ResampleStatus::concentrated);
  EXPECT_TRUE(found.indices.empty());
  // Far below the smallest number, but all alike.
  EXPECT_EQ(resample(std::vector<double>(1000, -2000.0), 10, stream).status, ResampleStatus::ok);
}

}  // namespace
}  // namespace riffle
