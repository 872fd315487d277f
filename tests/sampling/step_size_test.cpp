#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "sampling/dual_averaging.h"
#include "sampling/island_error.h"
#include "support/random.h"

namespace riffle::test {
namespace {

TEST(DualAveraging, FindsTheStepOfAWantedAcceptance) {
  for (const double first : {1e-4, 0.1, 100.0}) {
    for (const double wanted : {0.6, 0.9}) {
      DualAveraging averaging(first, wanted);
      double step = first;
      for (int t = 0; t < 1000; ++t) step = averaging.update(std::exp(-step * step));
      EXPECT_NEAR(std::exp(-averaging.result() * averaging.result()), wanted, 0.01) << first;
    }
  }
}

/// Hoffman & Gelman's (6) by hand: H̄ = (δ - α)/(1 + 10), ln ε = ln 10ε₁ - √1/0.05 H̄.
TEST(DualAveraging, FirstStepsAreThoseOfThePaper) {
  DualAveraging averaging(0.5, 0.8);
  EXPECT_EQ(averaging.result(), 0.5);
  const double h1 = (0.8 - 0.3) / 11;
  const double x1 = std::log(5.0) - 20 * h1;
  EXPECT_NEAR(averaging.update(0.3), std::exp(x1), 1e-12);
  EXPECT_NEAR(averaging.result(), std::exp(x1), 1e-12);
  const double h2 = (1 - 1.0 / 12) * h1 + (0.8 - 0) / 12;
  const double x2 = std::log(5.0) - std::sqrt(2.0) * 20 * h2;
  EXPECT_NEAR(averaging.update(std::nan("")), std::exp(x2), 1e-12);
  const double eta = std::pow(2.0, -0.75);
  EXPECT_NEAR(averaging.result(), std::exp(eta * x2 + (1 - eta) * x1), 1e-12);
}

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

TEST(IslandError, OfOneParticleEachIsThatOfTheMeanByStudent) {
  // Weights so alike that the logarithm is linear: sd/√n, times 2.262157/1.959964 for 10 of them.
  Random random(3);
  std::vector<double> w;
  double mean = 0;
  for (int i = 0; i < 10; ++i) {
    w.push_back(1e-5 * random.normal());
    mean += w.back() / 10;
  }
  double squares = 0;
  for (const double x : w) squares += (x - mean) * (x - mean) / 90;
  EXPECT_NEAR(island_error(w, 10) / (std::sqrt(squares) * 2.262157 / 1.959964), 1, 1e-3);
  for (double& x : w) x += 1000;
  EXPECT_NEAR(island_error(w, 10) / (std::sqrt(squares) * 2.262157 / 1.959964), 1, 1e-3);
}

TEST(IslandError, TwoOfItHoldNineteenTimesOfTwenty) {
  Random random(8);
  for (const std::size_t islands : {4U, 8U, 16U}) {
    for (const double spread : {0.1, 0.4}) {
      constexpr int runs = 4000;
      int held = 0;
      for (int run = 0; run < runs; ++run) {
        std::vector<double> w;
        for (std::size_t i = 0; i < islands; ++i) {
          w.push_back(spread * random.normal() - 0.5 * spread * spread);
        }
        if (std::abs(log_mean_exp(w)) < 2 * island_error(w, islands)) ++held;
      }
      EXPECT_NEAR(static_cast<double>(held) / runs, 0.953, 0.02) << islands << ' ' << spread;
    }
  }
}

TEST(IslandError, IsNoneWhereTooFewHaveWeight) {
  std::vector<double> w(8, minus_infinity);
  EXPECT_EQ(log_mean_exp(w), minus_infinity);
  EXPECT_TRUE(std::isnan(island_error(w, 8)));
  w[0] = w[1] = w[2] = 0.5;
  EXPECT_TRUE(std::isnan(island_error(w, 8)));
  w[3] = 0.5;
  EXPECT_GT(island_error(w, 8), 0.2);
  // One island that has all of the weight is worth nothing, however sure it is.
  w.assign(8, -100);
  w[5] = 0;
  EXPECT_GT(island_error(w, 8), 10);
}

}  // namespace
}  // namespace riffle::test
