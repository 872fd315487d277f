#include "diagnostics/bridge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "support/effort.h"
#include "support/random.h"

namespace riffle {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
const double log_root_2pi = 0.5 * std::log(2 * std::numbers::pi);

/// Draws with what both densities say.
struct Draws {
  std::vector<double> log_p, log_q;

  operator BridgeDraws() const { return {log_p, log_q}; }
  void add(double p, double q) {
    log_p.push_back(p);
    log_q.push_back(q);
  }
};

double log_normal(double x, double mean, double sd) {
  const double z = (x - mean) / sd;
  return -0.5 * z * z - std::log(sd) - log_root_2pi;
}

/// ln of Student-t's density with the constant left out, and that constant.
double log_student_kernel(double x, double freedom) {
  return -0.5 * (freedom + 1) * std::log1p(x * x / freedom);
}
double log_student_z(double freedom) {
  return std::lgamma(freedom / 2) - std::lgamma((freedom + 1) / 2) +
         0.5 * std::log(freedom * std::numbers::pi);
}

/// p̃ = e^offset times the kernel of a normal, or of a Student-t; q a normal.
struct Problem {
  double mean = 0.3;  ///< of q
  double sd = 1.2;
  double offset = 0;
  double freedom = 0;      ///< of p; 0: normal
  double correlation = 0;  ///< along the chains of p
  std::size_t n_q = 400;
  std::size_t chains = 4;
  std::size_t each = 100;

  double log_p(double x) const {
    return offset + (freedom > 0 ? log_student_kernel(x, freedom) : -0.5 * x * x);
  }
  double log_z() const { return offset + (freedom > 0 ? log_student_z(freedom) : log_root_2pi); }
  double log_q(double x) const { return log_normal(x, mean, sd); }

  Draws of_q(test::Random& random) const {
    Draws draws;
    for (std::size_t i = 0; i < n_q; ++i) add(draws, mean + sd * random.normal());
    return draws;
  }
  Draws of_p(test::Random& random) const {
    Draws draws;
    for (std::size_t c = 0; c < chains; ++c) {
      double at = random.normal();
      for (std::size_t t = 0; t < each; ++t) {
        double x = at;
        if (freedom > 0) {
          double squares = 0;
          for (int k = 0; k < static_cast<int>(freedom); ++k) {
            squares += std::pow(random.normal(), 2);
          }
          x /= std::sqrt(squares / freedom);
        }
        add(draws, x);
        at = correlation * at + std::sqrt(1 - correlation * correlation) * random.normal();
      }
    }
    return draws;
  }

 private:
  void add(Draws& draws, double x) const { draws.add(log_p(x), log_q(x)); }
};

Bridge bridge_of(const Problem& problem, std::uint64_t seed) {
  test::Random random(seed);
  const auto q = problem.of_q(random);
  const auto p = problem.of_p(random);
  return bridge(q, p, problem.chains);
}

struct Golden {
  const char* name;
  std::size_t n_p, n_q;
  double mean, sd, offset, worth;
  double log_z, term_q, term_p;
};

constexpr Golden golden[] = {
#include "golden_bridge.inc"
};

/// The normals of tools/golden_bridge.R.
std::vector<double> normals(std::size_t n, std::uint32_t seed) {
  std::vector<double> x;
  const auto uniform = [&] {
    seed = 1664525 * seed + 1013904223;
    return (seed + 0.5) * 0x1p-32;
  };
  while (x.size() < n) {
    const double u = uniform();
    x.push_back(std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * uniform()));
  }
  return x;
}

class GoldenBridge : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenBridge, IsThatOfBridgesampling) {
  const auto& expected = GetParam();
  Problem problem;
  problem.mean = expected.mean;
  problem.sd = expected.sd;
  problem.offset = expected.offset;
  Draws q;
  Draws p;
  for (const double x : normals(expected.n_p, 101)) p.add(problem.log_p(x), problem.log_q(x));
  for (const double z : normals(expected.n_q, 202)) {
    const double x = problem.mean + problem.sd * z;
    q.add(problem.log_p(x), problem.log_q(x));
  }
  // Chains of one draw each: independent ones.
  const auto found = bridge(q, p, expected.n_p, {.p_effective = expected.worth});
  ASSERT_EQ(found.status, BridgeStatus::ok);
  EXPECT_NEAR(found.log_z, expected.log_z, 1e-10 + 1e-15 * std::abs(expected.log_z));
  const double variance = expected.term_q + expected.term_p;
  EXPECT_NEAR(found.log_z_se * found.log_z_se / variance, 1, 1e-8);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenBridge, ::testing::ValuesIn(golden), [](const auto& test) {
  std::string name = test.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
});

/// How often |error| < 2 errors, over data sets.
struct Coverage {
  int sets = 0;
  int held = 0;        ///< log_z_se_holds
  int within_two = 0;  ///< of those
  double bias = 0;     ///< mean error in errors, and its spread
  double spread = 0;
  double kl_q_p_spread = 0;  ///< of the errors of the KL in theirs
  double kl_p_q_spread = 0;
};

Coverage cover(const Problem& problem, double kl_q_p, double kl_p_q) {
  Coverage result;
  result.sets = test::repetitions(1200);
  for (int set = 0; set < result.sets; ++set) {
    const auto found = bridge_of(problem, 1000 + static_cast<std::uint64_t>(set));
    EXPECT_EQ(found.status, BridgeStatus::ok);
    EXPECT_TRUE(found.in_order);
    if (!found.log_z_se_holds) continue;
    ++result.held;
    const double z = (found.log_z - problem.log_z()) / found.log_z_se;
    result.bias += z;
    result.spread += z * z;
    if (std::abs(z) < 2) ++result.within_two;
    result.kl_q_p_spread += std::pow((found.kl_q_p - kl_q_p) / found.kl_q_p_se, 2);
    result.kl_p_q_spread += std::pow((found.kl_p_q - kl_p_q) / found.kl_p_q_se, 2);
  }
  result.bias /= result.held;
  for (double* spread : {&result.spread, &result.kl_q_p_spread, &result.kl_p_q_spread}) {
    *spread = std::sqrt(*spread / result.held);
  }
  return result;
}

/// KL of normals (mean, sd): from the first to the second.
double kl_of_normals(double mean, double sd, double mean_2, double sd_2) {
  const double shift = (mean - mean_2) / sd_2;
  return std::log(sd_2 / sd) + 0.5 * (sd * sd / (sd_2 * sd_2) + shift * shift - 1);
}

struct Setting {
  const char* name;
  Problem problem;
};

class BridgeCoverage : public ::testing::TestWithParam<Setting> {};

TEST_P(BridgeCoverage, TwoErrorsHoldIn95Percent) {
  const auto& problem = GetParam().problem;
  const double kl_q_p = kl_of_normals(problem.mean, problem.sd, 0, 1);
  const double kl_p_q = kl_of_normals(0, 1, problem.mean, problem.sd);
  const auto found = cover(problem, kl_q_p, kl_p_q);
  EXPECT_GT(found.held, 0.95 * found.sets);
  // Φ(2) - Φ(-2) and 3.5 sds of a binomial share; the errors are estimates, which costs a little.
  const double expected = std::erf(std::numbers::sqrt2);
  const double bound = 3.5 * std::sqrt(expected * (1 - expected) / found.held);
  const double share = static_cast<double>(found.within_two) / found.held;
  RecordProperty("share", std::to_string(share));
  EXPECT_NEAR(share, expected, bound + 0.005);
  EXPECT_NEAR(found.bias, 0, 3.5 / std::sqrt(found.held) + 0.05);
  const double spread_bound = 3.5 / std::sqrt(2 * found.held) + 0.03;
  EXPECT_NEAR(found.spread, 1, spread_bound);
  if (problem.freedom == 0) {
    EXPECT_NEAR(found.kl_q_p_spread, 1, spread_bound);
    EXPECT_NEAR(found.kl_p_q_spread, 1, spread_bound);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BridgeCoverage,
    ::testing::Values(Setting{"independent", {}},
                      Setting{"narrow_q", {.mean = 0, .sd = 0.6, .offset = 7}},
                      Setting{"correlated_p", {.correlation = 0.6, .each = 250}},
                      Setting{"antithetic_p", {.mean = 0.8, .correlation = -0.5}},
                      Setting{"shifted_q", {.mean = 1.5, .sd = 1, .n_q = 1000, .each = 250}},
                      Setting{"few_of_q", {.offset = -3, .n_q = 200, .each = 250}},
                      Setting{"far_q", {.mean = 4, .sd = 1, .n_q = 1200, .each = 300}},
                      Setting{"wide_q", {.mean = 0, .sd = 25, .n_q = 2000}},
                      Setting{"student", {.mean = 0, .freedom = 5, .n_q = 400}}),
    [](const auto& test) { return test.param.name; });

/// Whether a bridge is right about a known Z: the checks that the mutants below must fail.
bool is_right(const Bridge& found, double log_z) {
  return found.status == BridgeStatus::ok && std::abs(found.log_z - log_z) < 4 * found.log_z_se &&
         found.log_z_se < 0.1 && found.in_order && found.elbo < log_z && log_z < found.eubo;
}

TEST(Bridge, MutantsFail) {
  const Problem problem{.mean = 0.8, .sd = 1.4, .offset = 2, .n_q = 2000, .each = 500};
  test::Random random(3);
  const auto q = problem.of_q(random);
  const auto p = problem.of_p(random);
  const double log_z = problem.log_z();
  EXPECT_TRUE(is_right(bridge(q, p, 4), log_z));
  const auto changed = [](const Draws& draws, auto change) {
    Draws other = draws;
    for (std::size_t i = 0; i < other.log_p.size(); ++i) change(other.log_p[i], other.log_q[i]);
    return other;
  };
  const auto scale_q = [](double&, double& log_q) { log_q *= 1.2; };
  const auto swap = [](double& log_p, double& log_q) { std::swap(log_p, log_q); };
  const auto shift = [](double& log_p, double&) { log_p += 0.3; };
  EXPECT_FALSE(is_right(bridge(p, q, 4), log_z)) << "sides exchanged";
  EXPECT_FALSE(is_right(bridge(q, q, 4), log_z)) << "draws of p are those of q";
  EXPECT_FALSE(is_right(bridge(p, p, 4), log_z)) << "draws of q are those of p";
  EXPECT_FALSE(is_right(bridge(changed(q, swap), changed(p, swap), 4), log_z)) << "p is q";
  EXPECT_FALSE(is_right(bridge(changed(q, scale_q), changed(p, scale_q), 4), log_z)) << "ln q";
  EXPECT_FALSE(is_right(bridge(changed(q, shift), p, 4), log_z)) << "a constant on one side";
}

TEST(Bridge, BoundsAreInOrder) {
  for (const double mean : {0.0, 0.5, 1.0, 2.0}) {
    const Problem problem{.mean = mean, .sd = 1.3, .n_q = 4000, .each = 1000};
    const auto found = bridge_of(problem, 5);
    EXPECT_LT(found.elbo, found.log_z);
    EXPECT_LT(found.log_z, found.eubo);
    EXPECT_NEAR(found.kl_q_p, kl_of_normals(mean, 1.3, 0, 1), 4 * found.kl_q_p_se);
    EXPECT_NEAR(found.kl_p_q, kl_of_normals(0, 1, mean, 1.3), 4 * found.kl_p_q_se);
    EXPECT_NEAR(found.log_z - found.elbo, found.kl_q_p, 1e-12);
    EXPECT_NEAR(found.eubo - found.log_z, found.kl_p_q, 1e-12);
    EXPECT_TRUE(found.in_order);
  }
}

TEST(Bridge, DrawsOfAnotherDensityAreOutOfOrder) {
  // Draws "of p" that are from a narrow part of it, near the middle of q: E l is below ln Z.
  test::Random random(8);
  const Problem problem{.mean = 0, .sd = 0.4, .n_q = 2000};
  Draws p;
  for (int i = 0; i < 400; ++i) {
    const double x = 0.1 * random.normal();
    p.add(problem.log_p(x), problem.log_q(x));
  }
  const auto found = bridge(problem.of_q(random), p, 4);
  EXPECT_FALSE(found.in_order);
}

TEST(Bridge, AConstantInLogPIsOneInLogZ) {
  const Problem problem{.mean = 1, .sd = 0.8, .correlation = 0.4};
  const auto expected = bridge_of(problem, 11);
  for (const double offset : {1e6, -1e6, 1e3, -700.0}) {
    auto moved = problem;
    moved.offset = offset;
    const auto found = bridge_of(moved, 11);
    ASSERT_EQ(found.status, BridgeStatus::ok);
    EXPECT_NEAR(found.log_z - offset, expected.log_z, 1e-9);
    EXPECT_NEAR(found.log_z_se, expected.log_z_se, 1e-8);
    EXPECT_NEAR(found.kl_q_p, expected.kl_q_p, 1e-9);
    EXPECT_NEAR(found.kl_p_q, expected.kl_p_q, 1e-9);
    EXPECT_EQ(found.log_z_se_holds, expected.log_z_se_holds);
  }
}

TEST(Bridge, AutocorrelationWidensTheError) {
  const Problem independent{.mean = 1, .n_q = 4000, .each = 1000};
  auto correlated = independent;
  correlated.correlation = 0.9;
  const auto a = bridge_of(independent, 2);
  const auto b = bridge_of(correlated, 2);
  EXPECT_LT(b.p_effective, 0.2 * 4000);
  EXPECT_NEAR(a.p_effective, 4000, 400);
  EXPECT_GT(b.log_z_se, 1.3 * a.log_z_se);
  EXPECT_LT(b.effective_p, b.p_effective * 1.001);
}

TEST(Bridge, EqualDensitiesAreExact) {
  test::Random random(4);
  Draws q;
  Draws p;
  for (int i = 0; i < 200; ++i) {
    const double a = random.normal();
    const double b = random.normal();
    q.add(5 + log_normal(a, 0, 1), log_normal(a, 0, 1));
    p.add(5 + log_normal(b, 0, 1), log_normal(b, 0, 1));
  }
  const auto found = bridge(q, p, 2);
  ASSERT_EQ(found.status, BridgeStatus::ok);
  EXPECT_NEAR(found.log_z, 5, 1e-14);
  EXPECT_LT(found.log_z_se, 1e-14);
  EXPECT_NEAR(found.overlap, 1, 1e-12);
  EXPECT_TRUE(found.log_z_se_holds);
  EXPECT_TRUE(found.in_order);
}

TEST(Bridge, NoOverlapIsSaid) {
  for (const double distance : {12.0, 60.0, 1e4}) {
    const auto found = bridge_of({.mean = distance, .sd = 1}, 6);
    EXPECT_EQ(found.status, BridgeStatus::no_overlap) << distance;
    EXPECT_TRUE(std::isnan(found.log_z) && std::isnan(found.log_z_se));
    EXPECT_FALSE(found.log_z_se_holds);
    EXPECT_LT(found.elbo, log_root_2pi);
    EXPECT_GT(found.eubo, log_root_2pi);
  }
  // Some overlap, too little for an error that can be believed.
  const auto little = bridge_of({.mean = 5, .sd = 1, .n_q = 300}, 6);
  EXPECT_FALSE(little.log_z_se_holds);
  EXPECT_LT(little.overlap, 0.1);
}

TEST(Bridge, OneSideAlone) {
  test::Random random(4);
  const Problem problem;
  const auto q = problem.of_q(random);
  const auto p = problem.of_p(random);
  const auto without_p = bridge(q, Draws{}, 0);
  EXPECT_EQ(without_p.status, BridgeStatus::no_draws);
  EXPECT_TRUE(std::isnan(without_p.log_z) && std::isnan(without_p.eubo));
  EXPECT_LT(without_p.elbo, problem.log_z());
  const auto without_q = bridge(Draws{}, p, 4);
  EXPECT_EQ(without_q.status, BridgeStatus::no_draws);
  EXPECT_TRUE(std::isnan(without_q.log_z) && std::isnan(without_q.elbo));
  EXPECT_GT(without_q.eubo, problem.log_z());
  EXPECT_EQ(bridge(Draws{}, Draws{}, 0).status, BridgeStatus::no_draws);
  // A single draw on each side is a number without an error.
  const auto one = bridge(Draws{{1.0}, {0.5}}, Draws{{1.0}, {0.25}}, 1);
  EXPECT_EQ(one.status, BridgeStatus::ok);
  EXPECT_NEAR(one.log_z, 0.625, 1e-12);
  EXPECT_TRUE(std::isnan(one.log_z_se));
  EXPECT_FALSE(one.log_z_se_holds);
}

TEST(Bridge, StepsRunOut) {
  test::Random random(4);
  const Problem problem{.mean = 2, .offset = 50};
  const auto q = problem.of_q(random);
  const auto p = problem.of_p(random);
  const auto found = bridge(q, p, 4, {.most_steps = 1});
  EXPECT_EQ(found.status, BridgeStatus::not_converged);
  EXPECT_TRUE(std::isnan(found.log_z));
  EXPECT_FALSE(std::isnan(found.elbo));
  EXPECT_LT(bridge(q, p, 4).steps, 20U);
}

TEST(Bridge, DrawsWhereADensityIsZero) {
  // q is uniform on (-1, 3), p̃ = 2 on (0, 4): ln Z = ln 8.
  test::Random random(12);
  Draws q;
  Draws p;
  const auto add = [](Draws& draws, double x) {
    draws.add(x > 0 && x < 4 ? std::log(2.0) : -inf, x > -1 && x < 3 ? std::log(0.25) : -inf);
  };
  for (int i = 0; i < 4000; ++i) add(q, random.uniform(-1, 3));
  for (int i = 0; i < 4000; ++i) add(p, random.uniform(0, 4));
  const auto found = bridge(q, p, 4);
  ASSERT_EQ(found.status, BridgeStatus::ok);
  EXPECT_NEAR(found.log_z, std::log(8), 4 * found.log_z_se);
  EXPECT_NEAR(found.log_z_se, std::sqrt((1 / 0.75 - 1) / 2000), 1e-3);
  EXPECT_EQ(found.kl_q_p, inf);
  EXPECT_EQ(found.kl_p_q, inf);
  EXPECT_EQ(found.eubo, inf);
  EXPECT_LT(found.elbo, std::log(8));
  EXPECT_NEAR(static_cast<double>(found.zero_q), 1000, 120);
  EXPECT_NEAR(static_cast<double>(found.outside_p), 1000, 120);
  EXPECT_TRUE(found.in_order);
  // Nothing in common at all.
  for (double& l : q.log_p) l = -inf;
  EXPECT_EQ(bridge(q, p, 4).status, BridgeStatus::no_overlap);
}

TEST(Bridge, WhatIsNoNumberIsCounted) {
  const Problem problem{.n_q = 1000, .each = 250};
  test::Random random(12);
  auto q = problem.of_q(random);
  auto p = problem.of_p(random);
  auto zero = q;
  for (const std::size_t i : {3U, 77U, 200U}) zero.log_p[i] = -inf;
  q.log_p[3] = nan;
  q.log_p[77] = inf;
  q.log_q[200] = -inf;  // a draw of q at which q is 0
  const auto expected = bridge(zero, p, 4);
  const auto found = bridge(q, p, 4);
  EXPECT_EQ(found.invalid_q, 3U);
  EXPECT_EQ(found.zero_q, 0U);
  EXPECT_EQ(expected.zero_q, 3U);
  EXPECT_EQ(found.log_z, expected.log_z);
  EXPECT_EQ(found.kl_q_p, inf);

  p.log_p[5] = nan;
  p.log_p[6] = -inf;  // a draw of p at which p is 0
  p.log_p[300] = inf;
  p.log_q[301] = nan;
  p.log_q[999] = inf;
  const auto left_out = bridge(zero, p, 4);
  EXPECT_EQ(left_out.invalid_p, 5U);
  EXPECT_EQ(left_out.outside_p, 0U);
  ASSERT_EQ(left_out.status, BridgeStatus::ok);
  EXPECT_NEAR(left_out.log_z, expected.log_z, 0.01);
  EXPECT_NEAR(left_out.log_z_se, expected.log_z_se, 0.1 * expected.log_z_se);
  EXPECT_TRUE(std::isfinite(left_out.eubo));
  for (double& l : p.log_p) l = nan;
  EXPECT_EQ(bridge(q, p, 4).status, BridgeStatus::no_draws);
}

TEST(Bridge, DrawsThatAreLeftOutKeepThePlacesOfTheOthers) {
  // Then the order of the chains does not matter.
  const Problem problem{.mean = 1, .correlation = 0.9, .chains = 2, .each = 200};
  test::Random random(13);
  const auto q = problem.of_q(random);
  auto p = problem.of_p(random);
  for (std::size_t i = 0; i < 41; ++i) p.log_p[3 + i] = nan;
  auto turned = p;
  std::rotate(turned.log_p.begin(), turned.log_p.begin() + 200, turned.log_p.end());
  std::rotate(turned.log_q.begin(), turned.log_q.begin() + 200, turned.log_q.end());
  const auto a = bridge(q, p, 2);
  const auto b = bridge(q, turned, 2);
  EXPECT_NEAR(a.p_effective, b.p_effective, 1e-9 * a.p_effective);
  EXPECT_NEAR(a.log_z_se, b.log_z_se, 1e-9 * a.log_z_se);
}

TEST(Bridge, DrawsThatAreLeftOutAreWorthNothing) {
  const Problem problem{.n_q = 1000, .each = 250};
  test::Random random(14);
  const auto q = problem.of_q(random);
  auto p = problem.of_p(random);
  for (std::size_t i = 0; i < 1000; i += 4) p.log_p[i] = p.log_p[i + 1] = p.log_p[i + 2] = nan;
  const auto found = bridge(q, p, 4);
  EXPECT_EQ(found.invalid_p, 750U);
  EXPECT_NEAR(found.p_effective, 250, 80);
}

TEST(Bridge, KHatSeesFewTermsThatCarryAll) {
  const auto apart = bridge_of({.mean = 5, .sd = 1, .n_q = 1000, .each = 250}, 9);
  const auto fair = bridge_of({.mean = 0, .sd = 0.9, .n_q = 1000, .each = 250}, 9);
  EXPECT_FALSE(apart.log_z_se_holds);
  EXPECT_TRUE(fair.log_z_se_holds);
  ASSERT_TRUE(apart.khat_p && apart.khat_q && fair.khat_p && fair.khat_q);
  EXPECT_LT(*fair.khat_p, 0.5);
  EXPECT_LT(*fair.khat_q, 0.5);
  EXPECT_GT(*apart.khat_p, 0.7);
  EXPECT_GT(*apart.khat_q, 0.7);
}

}  // namespace
}  // namespace riffle
