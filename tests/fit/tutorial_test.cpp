// The tutorial's run as a whole, against an independent run of the same system (numpy, float64, 32
// seeds for each K, KL by quadrature):
//
//     K    min    25 %   median  75 %   max
//     2    1.456  1.706  1.747   1.778  1.791
//     8    0.245  0.321  0.500   0.575  0.781
//    16    0.044  0.061  0.095   0.128  0.389
//    32    0.018  0.027  0.057   0.096  0.596
//
// Larger samples have a tail: of 200 seeds at K = 16, another independent run (scalar C++, float64,
// another generator) had 4 above 0.6, the largest at 0.692, and a median of 0.093. They are those
// that lose a crescent, which costs ln 2 = 0.693.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "riffle/error.h"
#include "riffle/fit.h"
#include "support/effort.h"

namespace riffle {
namespace {

// E[-ln q0] - ln Z of the two-dimensional base and the crescents: what the bound leaves out.
constexpr double bound_minus_kl = 0.524587683865;

Spec tutorial(int length, std::uint64_t seed) {
  auto spec = find_spec("tutorial");
  spec.flow.layers = fmt::format("planar-free:{}", length);
  spec.run.seed = seed;
  spec.run.threads = 1;
  spec.run.evaluation_draws = 20'000;
  spec.run.draws = 100;
  spec.run.snapshot_every = spec.run.iterations;
  return spec;
}

/// KL of `seeds` runs, sorted.
std::vector<double> sorted_kl(int length, int seeds) {
  std::vector<double> all;
  for (int seed = 1; seed <= seeds; ++seed) {
    const auto report = fit(tutorial(length, static_cast<std::uint64_t>(seed)));
    EXPECT_EQ(report.stop_reason, StopReason::completed);
    EXPECT_EQ(report.iterations, 10'000U);
    EXPECT_TRUE(report.injective) << "seed " << seed;
    EXPECT_EQ(report.invalid_draws + report.invalid_training_draws + report.refused_steps, 0U);
    all.push_back(report.kl.value());
  }
  std::sort(all.begin(), all.end());
  return all;
}

double median(const std::vector<double>& sorted) {
  return 0.5 * (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]);
}

TEST(Tutorial, StartsWhereItMust) {
  // U(-0.01, 0.01) parameters leave the map near the identity, whose bound is 14.985 ± 0.03.
  auto spec = tutorial(16, 1);
  spec.run.iterations = 0;
  spec.run.evaluation_draws = 100'000;
  const auto report = fit(spec);
  EXPECT_NEAR(report.bound, 14.985, 0.05);
  // Without the floor inside the logarithm it is 26.228.
  EXPECT_NEAR(-report.elbo + bound_minus_kl + 2.313289382544, 26.228, 0.05);
}

TEST(Tutorial, ThirtyTwoSeedsOfSixteenLayers) {
  const auto kl = sorted_kl(16, test::repetitions(32));
  if (test::hurried) {
    EXPECT_LT(kl.front(), 0.2);
    GTEST_SKIP() << "a median of " << kl.size() << " seeds says little: this build is slow";
  }
  EXPECT_GT(kl.front(), 0.02);
  EXPECT_GT(median(kl), 0.06);
  EXPECT_LT(median(kl), 0.14);
  EXPECT_LE(std::count_if(kl.begin(), kl.end(), [](double x) { return x > 0.6; }), 2);
  EXPECT_LT(kl.back(), 0.75);
}

TEST(Tutorial, ShorterAndLongerFlows) {
  if (test::hurried) GTEST_SKIP() << "this build is too slow for medians over seeds";
  const auto two = sorted_kl(2, 15);
  EXPECT_GT(two.front(), 1.35);
  EXPECT_GT(median(two), 1.65);
  EXPECT_LT(median(two), 1.81);
  EXPECT_LT(two.back(), 1.9);
  const auto eight = sorted_kl(8, 15);
  EXPECT_GT(eight.front(), 0.15);
  EXPECT_GT(median(eight), 0.3);
  EXPECT_LT(median(eight), 0.62);
  EXPECT_LT(eight.back(), 1.1);
  const auto thirty_two = sorted_kl(32, 15);
  EXPECT_GT(thirty_two.front(), 0.005);
  EXPECT_GT(median(thirty_two), 0.02);
  EXPECT_LT(median(thirty_two), 0.11);
  EXPECT_LT(thirty_two.back(), 0.8);
}

TEST(Tutorial, BoundAndKlDifferByAConstant) {
  auto spec = tutorial(16, 1);
  spec.run.evaluation_draws = 100'000;
  const auto report = fit(spec);
  // But for the floors, and for E[ln q0], which the bound knows and the KL estimates from draws.
  EXPECT_NEAR(report.bound - *report.kl, bound_minus_kl,
              5 * std::hypot(report.bound_se, *report.kl_se) + 1e-3);
  EXPECT_NEAR(report.elbo, 2.313289382544 - *report.kl, 1e-12);
}

TEST(Tutorial, LogsThirtyThreeTimes) {
  std::vector<std::uint64_t> iterations;
  FitCallbacks callbacks;
  callbacks.on_log = [&](std::uint64_t i, double loss) {
    iterations.push_back(i);
    EXPECT_TRUE(std::isfinite(loss));
  };
  const auto report = fit(tutorial(16, 1), callbacks);
  ASSERT_EQ(iterations.size(), 33U);
  for (std::size_t i = 0; i < iterations.size(); ++i) EXPECT_EQ(iterations[i], 300 * (i + 1));
  EXPECT_EQ(report.losses.size(), 10'000U);
  EXPECT_EQ(report.loss_every, 1U);
}

TEST(Tutorial, WithoutDecaySomeSeedsFoldAndAreFoundOut) {
  if (test::hurried) GTEST_SKIP() << "this build is too slow for many seeds";
  // 22 % of seeds do, so that of 60 none does is a matter of one in three million.
  int folded = 0;
  int seed = 0;
  while (folded == 0 && ++seed <= 60) {
    auto spec = tutorial(16, static_cast<std::uint64_t>(seed));
    spec.schedule.name = "constant";
    spec.run.evaluation_draws = 1000;
    const auto report = fit(spec);
    const bool warned =
        std::any_of(report.warnings.begin(), report.warnings.end(),
                    [](const std::string& w) { return w.find("injective") != std::string::npos; });
    EXPECT_EQ(report.injective, report.flow.injective());
    if (report.injective) continue;
    ++folded;
    EXPECT_TRUE(warned);
    EXPECT_THROW(static_cast<void>(report.flow.log_density(std::vector<double>(2))), Error);
  }
  EXPECT_EQ(folded, 1);
}

}  // namespace
}  // namespace riffle
