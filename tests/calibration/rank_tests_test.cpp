#include "calibration/rank_tests.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "calibration/ranks.h"

namespace riffle {
namespace {

constexpr std::size_t fits = 1000;

TEST(EcdfBand, HoldsUniformSamplesAsOftenAsItSays) {
  // Few bins and numbers too, where counts are coarse.
  for (const auto& [count, bins] : {std::pair<std::size_t, std::size_t>{1000, 200}, {50, 20}}) {
    const EcdfBand band(count, bins);
    const auto limits = band.limits(0.9);
    std::mt19937_64 random(3);
    std::uniform_int_distribution<std::size_t> bin(0, bins - 1);
    constexpr int samples = 20'000;
    int outside = 0;
    int small_p = 0;
    for (int s = 0; s < samples; ++s) {
      std::vector<std::size_t> in_bins(bins, 0);
      for (std::size_t i = 0; i < count; ++i) ++in_bins[bin(random)];
      std::size_t below = 0;
      bool out = false;
      for (std::size_t i = 1; i < bins; ++i) {
        below += in_bins[i - 1];
        out = out || below < limits.lower[i - 1] || below > limits.upper[i - 1];
      }
      outside += out ? 1 : 0;
      if (s % 20 == 0) small_p += band.p_value(in_bins) <= 0.1 ? 1 : 0;
    }
    // Four standard errors; counts are discrete, so a band may be a little wide.
    const double error = std::sqrt(0.09 / samples);
    EXPECT_LT(outside / double{samples}, 0.1 + 4 * error);
    EXPECT_GT(outside / double{samples}, 0.09 - 4 * error);
    EXPECT_LT(small_p / (samples / 20.0), 0.1 + 4 * error * std::sqrt(20));
  }
}

TEST(EcdfBand, ChanceOfTwoBinsIsBinomial) {
  // One point: outside are 0 and 10 of ten with gamma at 2 (1 + 10) / 1024, less than that of 1.
  const EcdfBand band(10, 2);
  EXPECT_NEAR(band.chance_outside(2.0 / 1024 + 1e-12), 2.0 / 1024, 1e-12);
  EXPECT_NEAR(band.chance_outside(22.0 / 1024 + 1e-12), 22.0 / 1024, 1e-12);
  EXPECT_NEAR(band.chance_outside(1e-9), 0, 1e-12);
}

/// Ranks of truths among draws of q: truth ~ N(0, 1), q = N(shift, width).
std::vector<std::size_t> ranks(std::uint64_t seed, double shift, double width) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<std::size_t> all;
  std::vector<double> draws(rank_draws);
  for (std::size_t i = 0; i < fits; ++i) {
    const double truth = normal(random);
    for (double& x : draws) x = shift + width * normal(random);
    all.push_back(rank_of(truth, draws, seed + i, 0));
  }
  return all;
}

TEST(RankTests, PerfectDrawsSeldomRaiseAnAlarm) {
  const EcdfBand band(fits, rank_bins);
  constexpr int samples = 400;
  int alarms = 0;
  int within = 0;
  for (int s = 0; s < samples; ++s) {
    const auto tests = test_ranks(ranks(1000 + static_cast<std::uint64_t>(s), 0, 1), band);
    alarms += tests.p() < 0.05 ? 1 : 0;
    within += std::abs(tests.coverage[2] - 0.9) < 0.02 ? 1 : 0;
  }
  RecordProperty("alarms", alarms);
  EXPECT_LE(alarms, 0.05 * samples + 4 * std::sqrt(0.05 * 0.95 * samples));
  EXPECT_GE(alarms, 1);  // three tests that are never in the way would be none
  EXPECT_GE(within, 0.92 * samples);
}

struct Found {
  int times = 0;     ///< of fifty
  double width = 0;  ///< that is told, on average
};

/// How often something is found in a thousand fits of `quantities`, of which one is wrong.
template <class Ranks>
Found found(double quantities, const Ranks& ranks_of) {
  const EcdfBand band(fits, rank_bins);
  Found found;
  for (std::uint64_t s = 0; s < 50; ++s) {
    const auto tests = test_ranks(ranks_of(50'000 + 1000 * s), band);
    found.times += quantities * tests.p() < 0.05 ? 1 : 0;
    found.width += tests.width / 50;
  }
  return found;
}

// A q that is 10 % too narrow or too wide is found in nearly every thousand fits; where it is one
// of ten quantities and the others are right, in most.
TEST(RankTests, FindsAWidthThatIsTenPercentOff) {
  for (const double width : {0.9, 1.1}) {
    const auto ranks_of = [&](std::uint64_t seed) { return ranks(seed, 0, width); };
    const auto alone = found(1, ranks_of);
    const auto one_of_ten = found(10, ranks_of);
    RecordProperty(width < 1 ? "narrow" : "wide", alone.times);
    RecordProperty(width < 1 ? "narrow_one_of_ten" : "wide_one_of_ten", one_of_ten.times);
    EXPECT_GE(alone.times, width < 1 ? 48 : 45) << width;
    EXPECT_GE(one_of_ten.times, 38) << width;
    EXPECT_NEAR(alone.width, width, 0.02);
  }
}

/// Exact posteriors of a normal mean by a prior N(0, 1) and one observation with an error of 3,
/// where truths are from N(0, 1.1²).
std::vector<std::size_t> ranks_of_wrong_prior(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<std::size_t> all;
  std::vector<double> draws(rank_draws);
  for (std::size_t i = 0; i < fits; ++i) {
    const double truth = 1.1 * normal(random);
    const double y = truth + 3 * normal(random);
    for (double& x : draws) x = y / 10 + std::sqrt(0.9) * normal(random);
    all.push_back(rank_of(truth, draws, seed + i, 0));
  }
  return all;
}

TEST(RankTests, FindsAPriorThatIsTenPercentOff) {
  const auto times = found(1, ranks_of_wrong_prior).times;
  RecordProperty("prior", times);
  EXPECT_GE(times, 45);
}

TEST(RankTests, FindsABias) {
  const EcdfBand band(fits, rank_bins);
  const auto tests = test_ranks(ranks(7, -0.2, 1), band);
  EXPECT_LT(tests.p(), 0.005);
  EXPECT_NEAR(tests.bias, 0.2, 0.1);  // q is too low
}

TEST(Ranks, DrawsHaveEqualWeight) {
  PosteriorReport report;
  report.log_weights = {std::log(0.5), -INFINITY, std::log(1.5), NAN};
  std::vector<int> count(4, 0);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const auto i : equal_weight_draws(report, 4, seed)) ++count[i];
  }
  EXPECT_EQ(count[1], 0);
  EXPECT_EQ(count[3], 0);
  const double all = 100.0 * rank_draws;
  EXPECT_NEAR(count[0] / all, 0.25, 4 * std::sqrt(0.1875 / all));
  report.log_weights = {-INFINITY};
  EXPECT_TRUE(equal_weight_draws(report, 1, 1).empty());
}

TEST(Ranks, TiesAreBrokenUniformly) {
  std::vector<int> count(4, 0);
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const std::vector<double> draws{-1, 0, 0, 5};
    ++count[rank_of(0, draws, seed, 2)];
  }
  EXPECT_EQ(count[0], 0);
  for (int r = 1; r <= 3; ++r) EXPECT_NEAR(count[static_cast<std::size_t>(r)], 1333, 120);
}

}  // namespace
}  // namespace riffle
