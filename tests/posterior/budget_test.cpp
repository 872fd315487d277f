#include "posterior/budget.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <thread>

#include "core/aligned.h"
#include "riffle/tile.h"

namespace riffle::test {
namespace {

constexpr auto no_end = std::numeric_limits<std::uint64_t>::max();

/// Takes a time for each call and one for each point of it.
class Slow final : public Density<double> {
 public:
  Slow(double call, double point) : Density<double>(1), call_(call), point_(point) {}

 private:
  void evaluate_impl(Tile<const double> z, double* log_density, Tile<double>) const override {
    std::this_thread::sleep_for(
        std::chrono::duration<double>(call_ + point_ * static_cast<double>(z.count())));
    log_density[0] = 0;
  }

  double call_;
  double point_;
};

void evaluate(const Density<double>& density, std::size_t points, int times = 1) {
  TileBuffer<double> z(1);
  TileBuffer<double> gradient(1);
  AlignedVector<double> log_p(tile_size);
  for (int i = 0; i < times; ++i) {
    density.evaluate(z.view(points), log_p.data(), gradient.view(points));
  }
}

TEST(MeteredDensity, TellsWhatACallTakes) {
  // What sleeps may sleep longer, never shorter.
  const Slow by_points(0, 2e-3);
  const MeteredDensity a(by_points);
  EXPECT_EQ(a.seconds_of_call(128), 0);
  evaluate(a, 1, 4);
  // All calls alike: in proportion.
  EXPECT_GE(a.seconds_of_call(100), 100 * 2e-3);
  // A line through two sizes goes through both.
  evaluate(a, 100);
  EXPECT_GE(a.seconds_of_call(100), 0.999 * 100 * 2e-3);

  const Slow by_calls(20e-3, 0);
  const MeteredDensity b(by_calls);
  evaluate(b, 1, 5);
  EXPECT_GE(b.seconds_of_call(128), 128 * 20e-3);
  evaluate(b, 128);
  EXPECT_GE(b.seconds_of_call(128), 0.999 * 20e-3);
  EXPECT_LT(b.seconds_of_call(128), 64 * 20e-3);
  EXPECT_GE(b.seconds_of_call(0), 0);
}

TEST(Budget, WithoutLimitsHasNoEnd) {
  const Slow slow(1e-3, 0);
  const MeteredDensity metered(slow);
  const Budget budget(metered, {.final_draws = 24'000}, 1);
  evaluate(metered, 128, 3);
  EXPECT_TRUE(budget.allows(no_end / 2));
  EXPECT_EQ(budget.left(), no_end - 3 * 128);
}

TEST(Budget, SetsEvaluationsAsideForTheFinalDraws) {
  const Slow quick(0, 0);
  const MeteredDensity metered(quick);
  struct Case {
    std::uint64_t limit;
    std::uint64_t final_draws;
    std::uint64_t aside;
  };
  // All of them; a fifth of the limit; the least number; half of the limit.
  for (const auto& [limit, final_draws, aside] : {Case{1'000'000, 24'000, 24'000},
                                                  {50'000, 24'000, 10'000},
                                                  {3'000, 24'000, 1'000},
                                                  {600, 24'000, 300},
                                                  {600, 100, 100},
                                                  {600, 0, 0}}) {
    const Budget budget(metered, {.evaluations = limit, .final_draws = final_draws}, 1);
    EXPECT_TRUE(budget.has_evaluations(limit - aside)) << limit;
    EXPECT_FALSE(budget.has_evaluations(limit - aside + 1)) << limit;
    EXPECT_EQ(budget.left(), limit);
  }
  const Budget budget(metered, {.evaluations = 200}, 1);
  evaluate(metered, 128);
  EXPECT_TRUE(budget.allows(72));
  EXPECT_FALSE(budget.allows(73));
  EXPECT_EQ(budget.left(), 72U);
  evaluate(metered, 128);
  EXPECT_FALSE(budget.allows(0));
  EXPECT_EQ(budget.left(), 0U);
}

TEST(Budget, SetsTimeAsideForTheFinalDraws) {
  const Slow slow(0, 1e-3);
  const MeteredDensity metered(slow);
  evaluate(metered, 1, 5);
  // A point takes a millisecond or a little more: 1,000 seconds do for less than a million.
  const Budget alone(metered, {.seconds = 1000, .final_draws = 500'000}, 1);
  EXPECT_TRUE(alone.has_time(10'000));
  EXPECT_FALSE(alone.has_time(800'000));
  EXPECT_LE(alone.left(), 1'000'000U);
  EXPECT_GT(alone.left(), 10'000U);
  EXPECT_EQ(alone.left() % tile_size, 0U);
  const Budget team(metered, {.seconds = 1000, .final_draws = 500'000}, 8);
  EXPECT_GT(team.left(), 7 * alone.left());
  EXPECT_TRUE(team.has_time(80'000));
  const Budget crowd(metered, {.seconds = 1000}, 64);
  EXPECT_FALSE(crowd.has_time(64 * 1'000'000));
  const Budget over(metered, {.seconds = 0}, 1);
  EXPECT_FALSE(over.has_time());
  EXPECT_EQ(over.left(), 0U);
}

}  // namespace
}  // namespace riffle::test
