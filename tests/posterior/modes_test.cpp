#include "posterior/modes.h"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <algorithm>
#include <atomic>

#include "core/names.h"
#include "posterior/densities.h"
#include "posterior/metered_density.h"
#include "targets/target_registry.h"

namespace riffle::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

ModeSearch search(const Density<double>& density, std::size_t threads = 1,
                  const ModeSearchOptions& options = {}, std::uint64_t seed = 1) {
  Executor executor(threads);
  return search_modes(PointDensity(density), options, seed, executor);
}

MatrixXd covariance_of(const Normal& normal) {
  return normal.lower * normal.lower.transpose();
}

/// Five modes of different shapes and masses in the plane, e^-ln 7 in all.
std::vector<NormalComponent> five() {
  const MatrixXd unit = MatrixXd::Identity(2, 2);
  return {{0.35 / 7, Eigen::Vector2d(0, 0), unit},
          {0.25 / 7, Eigen::Vector2d(14, 3), random_covariance(2, 4, 1)},
          {0.2 / 7, Eigen::Vector2d(-12, 9), 0.3 * unit},
          {0.15 / 7, Eigen::Vector2d(2, -15), random_covariance(2, 6, 2)},
          {0.05 / 7, Eigen::Vector2d(-11, -10), 0.5 * unit}};
}

TEST(ModeSearch, BeginsWhereItIsTold) {
  const OwnDensity far(2, [](const VectorXd& z, VectorXd& gradient) {
    const VectorXd off = z - VectorXd::Constant(2, 50);
    gradient = -off;
    return off.norm() < 40 ? -off.squaredNorm() / 2 : (z[0] > 0 ? -INFINITY : nan);
  });
  const auto lost = search(far);
  EXPECT_FALSE(lost.start);
  EXPECT_EQ(lost.impossible, 104U);
  EXPECT_GT(lost.nan, 30U);
  EXPECT_GT(lost.nothing, 30U);
  EXPECT_EQ(lost.nan + lost.nothing, lost.impossible);
  EXPECT_EQ(lost.infinite, 0U);

  ModeSearchOptions options;
  options.given = {VectorXd::Constant(2, 60)};
  const auto given = search(far, 1, options);
  ASSERT_EQ(given.modes.size(), 1U);
  EXPECT_LT((given.modes[0].normal.mean - VectorXd::Constant(2, 50)).norm(), 1e-6);
  EXPECT_EQ(given.impossible, 0U);
  EXPECT_LE(given.climbs, 33U);  // some of those further off begin where there is nothing
  EXPECT_GE(given.climbs, 20U);

  options.given = {VectorXd::Zero(2), VectorXd::Zero(2)};
  EXPECT_EQ(search(far, 1, options).impossible, 2U);
  options.given.assign(20, VectorXd::Zero(2));
  options.given[12] = VectorXd::Constant(2, 45);
  EXPECT_EQ(search(far, 1, options).modes.size(), 1U);

  options.given.clear();
  options.reach = 100;
  EXPECT_EQ(search(far, 1, options).modes.size(), 1U);
}

TEST(ModeSearch, OfANormalFindsIt) {
  for (const Index dim : {1, 3, 20}) {
    const VectorXd mean = random_point(dim, 4, 1);
    const MatrixXd covariance = random_covariance(dim, 1e4, 2);
    const auto found = search(normal_density(mean, covariance));
    ASSERT_EQ(found.modes.size(), 1U) << dim;
    const auto& mode = found.modes.front();
    EXPECT_LT(Normal(*make_normal(mean, covariance)).distance(mode.normal.mean), 1e-3) << dim;
    EXPECT_LT((covariance_of(mode.normal) - covariance).norm(), 1e-5 * covariance.norm()) << dim;
    // Laplace's approximation is exact: the integral is 1.
    EXPECT_NEAR(mode.log_mass, 0, 1e-4) << dim;
    EXPECT_EQ(mode.found, found.climbs) << dim;
    EXPECT_EQ(found.climbs, 40U);
    EXPECT_EQ(found.unsettled, 0U);
    EXPECT_EQ(found.impossible, 0U);
    EXPECT_EQ(found.unseen(), 0);
    ASSERT_TRUE(found.start);
    EXPECT_LT((found.start->mean - mode.normal.mean).norm(), 1e-12);
    // From 32 draws, of which ½|x|² has an sd of sqrt(dim / 64).
    EXPECT_NEAR(found.start_elbo, 0, 4 * std::sqrt(static_cast<double>(dim) / 64));
  }
}

TEST(ModeSearch, FindsAllModesOfAMixture) {
  const auto components = five();
  const auto found = search(mixture_density(components));
  ASSERT_EQ(found.modes.size(), components.size());
  std::size_t climbs = 0;
  for (std::size_t k = 0; k < components.size(); ++k) {
    // Heaviest first, as the components are.
    const auto& mode = found.modes[k];
    const auto& c = components[k];
    EXPECT_LT((mode.normal.mean - c.mean).norm(), 0.01) << k;
    EXPECT_LT((covariance_of(mode.normal) - c.covariance).norm(), 0.01 * c.covariance.norm()) << k;
    EXPECT_NEAR(mode.log_mass, std::log(c.weight), 0.01) << k;
    climbs += mode.found;
  }
  EXPECT_EQ(found.unseen(), 0);
  EXPECT_GE(found.climbs, 24 * components.size());
  EXPECT_LE(climbs, found.climbs);
}

TEST(ModeSearch, SeldomMissesASecondMode) {
  int both = 0;
  const VectorXd far = Eigen::Vector2d(10, 0);
  const auto density = mixture_density(
      {{0.5, VectorXd::Zero(2), MatrixXd::Identity(2, 2)}, {0.5, far, MatrixXd::Identity(2, 2)}});
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    both += search(density, 1, {}, seed).modes.size() == 2 ? 1 : 0;
  }
  EXPECT_GE(both, 45);
}

TEST(ModeSearch, LeavesOutModesOfNegligibleMass) {
  auto components = five();
  components[4].weight = 0.35 / 7 * std::exp(-12);
  EXPECT_EQ(search(mixture_density(components)).modes.size(), 4U);
  EXPECT_EQ(search(mixture_density(components), 1, {.negligible = 14}).modes.size(), 5U);
}

TEST(ModeSearch, UnseenIsTheShareOfClimbsThatWentAlone) {
  ModeSearch found;
  EXPECT_EQ(found.unseen(), 0);
  const auto normal = *make_normal(VectorXd::Zero(1), MatrixXd::Identity(1, 1));
  for (const std::size_t times : {1U, 5U, 1U, 3U}) found.modes.push_back({normal, 0, 0, times});
  EXPECT_EQ(found.unseen(), 0.2);
}

TEST(ModeSearch, CutShortSaysHowMuchIsUnseen) {
  // 25 modes and 16 climbs: most of them go alone.
  std::vector<NormalComponent> grid;
  for (int i = 0; i < 25; ++i) {
    grid.push_back({0.04, Eigen::Vector2d(3.0 * (i % 5 - 2), 3.0 * (i / 5 - 2)),
                    0.05 * MatrixXd::Identity(2, 2)});
  }
  const auto density = mixture_density(grid);
  const auto few = search(density, 1, {.wide_starts = 8, .most_starts = 16});
  EXPECT_LT(few.modes.size(), 25U);
  EXPECT_GT(few.unseen(), 0.25);
  EXPECT_EQ(few.climbs, 16U);
  const auto all = search(density);
  EXPECT_EQ(all.modes.size(), 25U);
  EXPECT_EQ(all.unseen(), 0);
}

TEST(ModeSearch, ATopThatIsASpikeIsNoMode) {
  // Eight schools, centred, rises without bound as tau goes to 0.
  const auto& entry = find_by_name(target_registry(), "eight-schools", "target");
  const auto density = entry.make<double>(default_options(entry, InstructionSet::best()));
  const auto found = search(*density);
  EXPECT_TRUE(found.modes.empty());
  EXPECT_EQ(found.unsettled, 8U);
  ASSERT_TRUE(found.start);
  EXPECT_TRUE(std::isfinite(found.start_elbo));
  EXPECT_LT(found.start_elbo, -31.3);  // log Z
}

TEST(ModeSearch, WithoutATopIsUnsettledAndStillHasAStart) {
  // ln p = -|x| - |y|-like tails with no top in the first coordinate within reach.
  const OwnDensity density(2, [](const VectorXd& z, VectorXd& gradient) {
    gradient[0] = 1;
    gradient[1] = -z[1];
    return z[0] - 0.5 * z[1] * z[1];
  });
  const auto found = search(density);
  EXPECT_TRUE(found.modes.empty());
  EXPECT_EQ(found.unsettled, 8U);
  EXPECT_TRUE(found.start);
  EXPECT_TRUE(std::isfinite(found.start_elbo));
}

TEST(ModeSearch, WideClimbsAreShortWhereNearOnesFoundNothing) {
  // Without end where a scale goes to 0.
  const OwnDensity spike(2, [](const VectorXd& z, VectorXd& gradient) {
    const double squares = z[1] * z[1] * std::exp(-z[0]);
    gradient << -0.5 + 0.5 * squares, -z[1] * std::exp(-z[0]);
    return -0.5 * z[0] - 0.5 * squares;
  });
  const MeteredDensity all(spike);
  const auto without = search(all);
  ASSERT_TRUE(without.modes.empty());
  ModeSearchOptions options;
  options.most_unsettled = 50;
  const MeteredDensity few(spike);
  const auto with = search(few, 1, options);
  EXPECT_TRUE(with.modes.empty());
  EXPECT_EQ(with.climbs, without.climbs);
  EXPECT_LT(few.evaluations(), all.evaluations() / 2);
  // Where there is a maximum they are as they were.
  const auto normal = normal_density(random_point(4, 3, 1), random_covariance(4, 1e6, 2));
  EXPECT_EQ(search(normal, 1, options).modes.size(), 1U);
  EXPECT_EQ(search(normal, 1, options).climbs, search(normal).climbs);
}

TEST(ModeSearch, OfWhatIsNowhereFiniteHasNoStart) {
  const OwnDensity density(3, [](const VectorXd&, VectorXd&) { return nan; });
  const auto found = search(density);
  EXPECT_FALSE(found.start);
  EXPECT_TRUE(found.modes.empty());
  EXPECT_EQ(found.impossible, 104U);
  EXPECT_EQ(found.climbs, 0U);
}

TEST(ModeSearch, OfWhatIsFiniteHereAndThereGoesOnFromThere) {
  // A quarter of the square (-2, 2)² is in the support, and draws of any wide normal leave it.
  const OwnDensity density(2, [](const VectorXd& z, VectorXd& gradient) {
    if (z.minCoeff() <= 0) return nan;
    gradient = (2 / z.array() - 1).matrix();
    return 2 * z.array().log().sum() - z.sum();
  });
  const auto found = search(density);
  EXPECT_GT(found.impossible, 0U);
  ASSERT_EQ(found.modes.size(), 1U);
  EXPECT_TRUE(found.start);
  EXPECT_LT((found.modes[0].normal.mean - VectorXd::Constant(2, 2)).norm(), 1e-3);
  EXPECT_EQ(found.unsettled, 0U);
}

TEST(ModeSearch, IsTheSameOnTwoThreads) {
  for (const std::uint64_t seed : {1U, 2U}) {
    const auto density = mixture_density(five());
    const auto a = search(density, 1, {}, seed);
    const auto b = search(density, 2, {}, seed);
    ASSERT_EQ(a.modes.size(), b.modes.size());
    EXPECT_EQ(a.climbs, b.climbs);
    for (std::size_t k = 0; k < a.modes.size(); ++k) {
      EXPECT_EQ(a.modes[k].normal.mean, b.modes[k].normal.mean);
      EXPECT_EQ(a.modes[k].normal.lower, b.modes[k].normal.lower);
      EXPECT_EQ(a.modes[k].log_mass, b.modes[k].log_mass);
      EXPECT_EQ(a.modes[k].found, b.modes[k].found);
    }
    EXPECT_EQ(a.start->mean, b.start->mean);
    EXPECT_EQ(a.start_elbo, b.start_elbo);
  }
  const auto density = normal_density(VectorXd::Ones(3), MatrixXd::Identity(3, 3));
  EXPECT_NE(search(density, 1, {}, 1).modes[0].normal.mean,
            search(density, 1, {}, 2).modes[0].normal.mean);
}

TEST(ModeSearch, WhereLittleIsInTheSupportItTriesMoreStarts) {
  // 1 in 32 starts.
  const OwnDensity density(5, [](const VectorXd& z, VectorXd& gradient) {
    if (z.minCoeff() <= 0) return nan;
    gradient = (2 / z.array() - 1).matrix();
    return 2 * z.array().log().sum() - z.sum();
  });
  int found = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto one = search(density, 1, {}, seed);
    found += one.start && one.modes.size() == 1 ? 1 : 0;
    EXPECT_EQ(one.start.has_value(), one.climbs > 0) << seed;
  }
  EXPECT_GE(found, 8);
}

TEST(ModeSearch, StopsBetweenRoundsWhenTold) {
  for (const int rounds : {0, 1, 2}) {
    int asked = 0;
    ModeSearchOptions options;
    options.stop = [&](auto) { return asked++ >= rounds; };
    const auto found = search(mixture_density(five()), 2, options);
    EXPECT_EQ(found.climbs, rounds == 0 ? 8U : rounds == 1 ? 40U : 72U);
    EXPECT_TRUE(found.start);
  }
}

TEST(ModeSearch, TellsWhatTheNextRoundMayTake) {
  std::atomic<std::uint64_t> evaluations{0};
  const auto within = mixture_density(five());
  const OwnDensity density(2, [&](const VectorXd& z, VectorXd& gradient) {
    ++evaluations;
    return PointDensity(within)(z, gradient);
  });
  std::uint64_t before = 0;
  std::vector<double> ratios;
  double told = 0;
  ModeSearchOptions options;
  options.stop = [&](std::uint64_t next) {
    if (told > 0) ratios.push_back(static_cast<double>(evaluations - before) / told);
    told = static_cast<double>(next);
    before = evaluations;
    return false;
  };
  search(density, 1, options);
  ASSERT_GE(ratios.size(), 2U);
  for (const double ratio : ratios) {
    EXPECT_GT(ratio, 0.5);
    EXPECT_LT(ratio, 2);
  }
}

TEST(ModeSearch, AbandonedClimbsDoNotBegin) {
  std::atomic<int> asked{0};
  ModeSearchOptions options;
  options.abandon = [&] { return ++asked > 3; };
  options.stop = [&](auto) { return asked > 3; };
  EXPECT_EQ(search(mixture_density(five()), 1, options).climbs, 3U);
  options.abandon = [] { return true; };
  EXPECT_FALSE(search(mixture_density(five()), 1, options).start);
}

}  // namespace
}  // namespace riffle::test
