#include "riffle/diagnostics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

namespace riffle {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Evenly spread on (0, 1), without chance.
double uniform(std::size_t i, double step) {
  const double x = (static_cast<double>(i) + 0.5) * step;
  return x - std::floor(x);
}

std::vector<double> make(std::size_t n, const std::function<double(std::size_t)>& value) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = value(i);
  return values;
}

double normal(std::size_t i) {
  return std::sqrt(-2 * std::log(uniform(i, 0.6180339887498949))) *
         std::cos(2 * std::numbers::pi * uniform(i, 0.41421356237309515));
}

std::vector<double> pareto(std::size_t n, double k) {
  return make(n, [k](std::size_t i) { return -k * std::log(uniform(i, 0.6180339887498949)); });
}

std::vector<double> gaussian(std::size_t n, double spread) {
  return make(n, [spread](std::size_t i) {
    const double z = normal(i);
    return 0.5 * z * z * (1 - spread * spread) + std::log(spread);
  });
}

/// The weights of tools/golden_psis.py, by name.
std::vector<double> weights_of(const std::string& name) {
  if (name == "narrow") return gaussian(1000, 0.7);
  if (name == "narrow-shifted") {
    auto weights = gaussian(1000, 0.7);
    for (double& w : weights) w += 5000;
    return weights;
  }
  if (name == "wide") return gaussian(4000, 1.5);
  if (name == "student") {
    return make(1000, [](std::size_t i) {
      const double z = normal(i);
      return -2 * std::log1p(z * z / 3) + 0.5 * z * z;
    });
  }
  if (name == "pareto-0.3") return pareto(100'000, 0.3);
  if (name == "pareto-1.5") return pareto(2000, 1.5);
  if (name == "tiny") return pareto(25, 0.5);
  if (name == "too-few") return pareto(20, 0.5);
  if (name == "equal") return std::vector<double>(1000, 0.0);
  if (name == "ties") {
    auto weights = pareto(1000, 0.8);
    for (double& w : weights) w = std::floor(4 * w) / 4;
    return weights;
  }
  if (name == "some-zero") {
    auto weights = gaussian(999, 0.7);
    for (std::size_t i = 1; i < weights.size(); i += 3) weights[i] = -inf;
    return weights;
  }
  if (name == "underflow") return make(500, [](std::size_t i) { return 1000 * normal(i); });
  return {};
}

struct Golden {
  const char* name;
  double khat;
  double log_sum;      ///< of the smoothed weights
  double log_squares;  ///< sum of squares of the normalised smoothed weights
  double top;          ///< the smoothed value of the largest weight
};

constexpr Golden golden[] = {
#include "golden_psis.inc"
};

double log_sum(std::span<const double> x) {
  const double most = *std::ranges::max_element(x);
  double sum = 0;
  for (const double v : x) sum += std::exp(v - most);
  return most + std::log(sum);
}

class GoldenPsis : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenPsis, IsThatOfTheReferenceImplementation) {
  const auto& expected = GetParam();
  const auto weights = weights_of(expected.name);
  ASSERT_FALSE(weights.empty());
  const auto found = psis(weights);
  if (std::isinf(expected.khat)) {
    EXPECT_EQ(found.khat, inf);
    EXPECT_EQ(found.smoothed, weights);
  } else {
    EXPECT_NEAR(found.khat, expected.khat, 1e-8 * std::max(1.0, std::abs(expected.khat)));
  }
  const double total = log_sum(found.smoothed);
  EXPECT_NEAR(total, expected.log_sum, 1e-8);
  double squares = 0;
  for (const double w : found.smoothed) squares += std::exp(2 * (w - total));
  EXPECT_NEAR(std::log(squares), expected.log_squares, 1e-8);
  const auto largest = std::ranges::max_element(weights) - weights.begin();
  EXPECT_NEAR(found.smoothed[static_cast<std::size_t>(largest)], expected.top, 1e-8);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenPsis, ::testing::ValuesIn(golden), [](const auto& test) {
  std::string name = test.param.name;
  std::ranges::replace_if(
      name, [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

TEST(Psis, LeavesTheBodyAndTheOrderAlone) {
  const auto weights = gaussian(1000, 0.7);
  const auto found = psis(weights);
  EXPECT_EQ(found.tail, 95U);  // ⌈3√1000⌉
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return weights[i]; });
  for (std::size_t j = 0; j + found.tail < order.size(); ++j) {
    EXPECT_EQ(found.smoothed[order[j]], weights[order[j]]);
  }
  for (std::size_t j = 1; j < order.size(); ++j) {
    EXPECT_GE(found.smoothed[order[j]], found.smoothed[order[j - 1]]);
  }
  EXPECT_NE(found.smoothed[order[order.size() - 2]], weights[order[order.size() - 2]]);
}

TEST(Psis, WhatIsNoWeightCountsAsZero) {
  auto zero = gaussian(600, 0.7);
  auto broken = zero;
  for (std::size_t i = 0; i < zero.size(); i += 7) {
    zero[i] = -inf;
    broken[i] = i % 2 == 0 ? nan : inf;
  }
  const auto expected = psis(zero);
  const auto found = psis(broken);
  EXPECT_EQ(found.khat, expected.khat);
  EXPECT_EQ(found.smoothed, expected.smoothed);
}

TEST(Psis, NothingToSmooth) {
  for (const auto& weights : {std::vector<double>{}, std::vector<double>{1.0},
                              std::vector<double>{1.0, 2.0, 3.0}, std::vector<double>(100, -inf)}) {
    const auto found = psis(weights);
    EXPECT_EQ(found.khat, inf);
    EXPECT_LT(found.tail, 5U);
    EXPECT_EQ(found.smoothed, weights);
  }
}

TEST(Psis, ThresholdOfThePaper) {
  EXPECT_DOUBLE_EQ(khat_threshold(100), 0.5);
  EXPECT_DOUBLE_EQ(khat_threshold(10'000), 0.7);
  EXPECT_NEAR(khat_threshold(1000), 2.0 / 3, 1e-15);
  EXPECT_EQ(khat_threshold(1), 0);
}

}  // namespace
}  // namespace riffle
