#include "diagnostics/parameter_summary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/random.h"

namespace riffle {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

const std::vector<double> five{3, -1, 4, 10, 5};

TEST(ParameterSummary, FiveDrawsAsNumpyHasThem) {
  const auto found = summarise(five, 1).front();
  EXPECT_DOUBLE_EQ(found.mean, 4.2);
  EXPECT_DOUBLE_EQ(found.sd, std::sqrt(15.7));
  EXPECT_DOUBLE_EQ(found.mcse, std::sqrt(15.7 / 5));
  EXPECT_NEAR(found.q5, -0.2, 1e-14);  // numpy.quantile(x, 0.05)
  EXPECT_DOUBLE_EQ(found.q50, 4);
  EXPECT_NEAR(found.q95, 9, 1e-14);
  EXPECT_EQ(found.missing, 0U);
}

TEST(ParameterSummary, WeightsByHand) {
  const std::vector<double> weights{2, 0, 4, 2, 2};  // of any sum
  const auto found = summarise(five, 1, weights).front();
  EXPECT_NEAR(found.mean, 5.2, 1e-14);
  const double squares = 0.2 * 2.2 * 2.2 + 0.4 * 1.2 * 1.2 + 0.2 * 4.8 * 4.8 + 0.2 * 0.2 * 0.2;
  EXPECT_NEAR(found.sd, std::sqrt(squares / (1 - 0.28)), 1e-14);
  const double error = 0.04 * 2.2 * 2.2 + 0.16 * 1.2 * 1.2 + 0.04 * 4.8 * 4.8 + 0.04 * 0.2 * 0.2;
  EXPECT_NEAR(found.mcse, std::sqrt(error), 1e-14);
  EXPECT_EQ(found.q5, 3);  // numpy.quantile(x, p, method="inverted_cdf", weights=w)
  EXPECT_EQ(found.q50, 4);
  EXPECT_EQ(found.q95, 10);
}

TEST(ParameterSummary, AMedianThatOneDrawHolds) {
  const std::vector<double> values{0, 1, 2};
  const std::vector<double> weights{0.98, 0.01, 0.01};
  EXPECT_EQ(summarise(values, 1, weights).front().q50, 0);
}

TEST(ParameterSummary, EqualWeightsChangeNeitherMeanNorSd) {
  test::Random random(3);
  std::vector<double> values(2000);
  for (double& v : values) v = 1e3 + random.normal();
  const auto plain = summarise(values, 2);
  const auto weighted = summarise(values, 2, std::vector<double>(1000, 7.0));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(weighted[i].mean, plain[i].mean, 1e-10);
    EXPECT_NEAR(weighted[i].sd, plain[i].sd, 1e-10);
    EXPECT_NEAR(weighted[i].mcse, plain[i].mcse, 1e-3 * plain[i].mcse);
    EXPECT_NEAR(weighted[i].q50, plain[i].q50, 0.01);
  }
  const auto shift = largest_shift(plain, weighted);
  EXPECT_LT(shift.mean, 1e-9);
  EXPECT_LT(shift.sd, 1e-9);
}

/// N(1, 2²) from draws of N(0, 3²): what the weights say is the closed form, within its error.
TEST(ParameterSummary, WeightedDrawsOfAnotherNormal) {
  constexpr std::size_t n = 200'000;
  test::Random random(9);
  std::vector<double> values(2 * n);
  std::vector<double> weights(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double x = 3 * random.normal();
    values[2 * i] = x;
    values[2 * i + 1] = std::exp(x / 2);
    weights[i] = std::exp(-0.5 * (x - 1) * (x - 1) / 4 + 0.5 * x * x / 9);
  }
  const auto found = summarise(values, 2, weights);
  EXPECT_NEAR(found[0].mean, 1, 4 * found[0].mcse);
  EXPECT_LT(found[0].mcse, 0.01);
  EXPECT_NEAR(found[0].sd, 2, 0.02);
  EXPECT_NEAR(found[0].q5, 1 - 2 * 1.6448536, 0.03);
  EXPECT_NEAR(found[0].q50, 1, 0.03);
  EXPECT_NEAR(found[0].q95, 1 + 2 * 1.6448536, 0.03);
  EXPECT_NEAR(found[1].mean, std::exp(1), 4 * found[1].mcse);
  EXPECT_NEAR(found[1].q50, std::exp(0.5), 0.03);

  const auto shift = largest_shift(summarise(values, 2), found);
  EXPECT_EQ(shift.mean_parameter, 0U);
  EXPECT_NEAR(shift.mean, 0.5, 0.02);
}

TEST(ParameterSummary, ErrorsOfTheWeightedMeanCoverTheTruth) {
  int inside = 0;
  constexpr int runs = 300;
  for (int run = 0; run < runs; ++run) {
    test::Random random(static_cast<std::uint64_t>(run));
    std::vector<double> values(1000);
    std::vector<double> weights;
    for (double& x : values) {
      x = 1.5 * random.normal();
      weights.push_back(std::exp(-0.5 * x * x * (1 - 1 / 2.25)));
    }
    const auto found = summarise(values, 1, weights).front();
    inside += std::abs(found.mean) < 2 * found.mcse;
  }
  EXPECT_NEAR(inside, 0.954 * runs, 15);
}

TEST(ParameterSummary, ValuesThatAreMissingAreLeftOutOfTheirParameter) {
  const std::vector<double> values{1, 10, nan, 20, 3, 30};
  const auto found = summarise(values, 2);
  EXPECT_EQ(found[0].missing, 1U);
  EXPECT_EQ(found[0].mean, 2);
  EXPECT_DOUBLE_EQ(found[0].sd, std::sqrt(2));
  EXPECT_EQ(found[1].missing, 0U);
  EXPECT_EQ(found[1].mean, 20);
}

TEST(ParameterSummary, FiguresThatDoNotExist) {
  const auto none = summarise(std::vector<double>{nan, nan}, 1).front();
  EXPECT_EQ(none.missing, 2U);
  for (const double figure : {none.mean, none.sd, none.mcse, none.q5, none.q50, none.q95}) {
    EXPECT_TRUE(std::isnan(figure));
  }
  EXPECT_TRUE(std::isnan(summarise(five, 1, std::vector<double>(5, 0.0)).front().mean));
  for (const auto& one : {summarise(std::vector<double>{6}, 1).front(),
                          summarise(five, 1, std::vector<double>{0, 0, 0, 0, 1}).front()}) {
    EXPECT_EQ(one.mean, one.q5);
    EXPECT_EQ(one.mean, one.q95);
    EXPECT_TRUE(std::isnan(one.sd));
    EXPECT_TRUE(std::isnan(one.mcse));
  }
  EXPECT_EQ(summarise({}, 0).size(), 0U);
  EXPECT_TRUE(std::isnan(summarise({}, 1).front().mean));
}

TEST(ParameterSummary, ADrawWithoutWeightDoesNotCount) {
  const auto found =
      summarise(std::vector<double>{1, inf, 2}, 1, std::vector<double>{1, 0, 1}).front();
  EXPECT_EQ(found.mean, 1.5);
  EXPECT_DOUBLE_EQ(found.sd, std::sqrt(0.5));
  EXPECT_EQ(found.q95, 2);
}

TEST(ParameterSummary, QuantilesNextToInfinity) {
  EXPECT_EQ(summarise(std::vector<double>{1, inf, 2}, 1).front().q50, 2);
}

ParameterSummary with(double mean, double sd) {
  ParameterSummary summary;
  summary.mean = mean;
  summary.sd = sd;
  return summary;
}

TEST(LargestShift, InUnitsOfTheSecond) {
  const std::vector<ParameterSummary> from{with(0, 1), with(5, 3), with(7, 0)};
  const std::vector<ParameterSummary> to{with(0.2, 1), with(6, 2), with(7, 0)};
  const auto shift = largest_shift(from, to);
  EXPECT_DOUBLE_EQ(shift.mean, 0.5);
  EXPECT_EQ(shift.mean_parameter, 1U);
  EXPECT_DOUBLE_EQ(shift.sd, std::log(1.5));
  EXPECT_EQ(shift.sd_parameter, 1U);
  EXPECT_DOUBLE_EQ(largest_shift(to, from).mean, 1.0 / 3);
}

TEST(LargestShift, WhatCannotBeComparedIsFarApart) {
  const std::vector<ParameterSummary> good{with(0, 1)};
  for (const auto& bad : {with(nan, 1), with(0, nan), with(0, 0)}) {
    EXPECT_EQ(largest_shift(good, std::vector{bad}).sd, bad.sd == 1 ? 0 : inf);
    EXPECT_FALSE(largest_shift(std::vector{bad}, good).mean < 0.1 &&
                 largest_shift(std::vector{bad}, good).sd < 0.1);
  }
}

TEST(LargestShift, ItsErrorsAreTheSpreadThatChanceGivesIt) {
  // q = N(0, 1), p = N(0.2, 0.9²); the last fifth of the draws is not among the plain ones.
  double mean[2] = {0, 0};
  double squares[2] = {0, 0};
  double error[2] = {0, 0};
  constexpr int runs = 400;
  for (std::uint64_t run = 0; run < runs; ++run) {
    test::Random random(run);
    std::vector<double> values(1000);
    std::vector<double> weights(1000);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = random.normal();
      const double u = (values[i] - 0.2) / 0.9;
      weights[i] = std::exp(0.5 * values[i] * values[i] - 0.5 * u * u);
    }
    const auto shift = largest_shift(values, 1, 800, weights);
    const double figures[2] = {shift.mean, shift.sd};
    const double errors[2] = {shift.mean_error, shift.sd_error};
    for (std::size_t k = 0; k < 2; ++k) {
      mean[k] += figures[k] / runs;
      squares[k] += figures[k] * figures[k] / runs;
      error[k] += errors[k] / runs;
    }
  }
  EXPECT_NEAR(mean[0], 0.2 / 0.9, 0.01);
  EXPECT_NEAR(mean[1], -std::log(0.9), 0.01);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_NEAR(error[k] / std::sqrt(squares[k] - mean[k] * mean[k]), 1, 0.15) << k;
  }
}

}  // namespace
}  // namespace riffle
