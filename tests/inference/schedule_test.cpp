#include "inference/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <set>

namespace riffle::test {
namespace {

constexpr auto forever = std::numeric_limits<std::uint64_t>::max();

TEST(ScheduleRegistry, HasEveryKindOnce) {
  std::set<std::string_view> names;
  for (const auto& entry : schedule_registry()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
  }
  EXPECT_EQ(names.size(), 4u);
}

TEST(Schedule, EveryKindStartsAtTheFullRate) {
  for (const auto& entry : schedule_registry()) {
    EXPECT_EQ(make_schedule(entry.name, 1000)(0), 1) << entry.name;
  }
}

TEST(Schedule, NoKindLeavesTheRange) {
  for (const auto& entry : schedule_registry()) {
    const auto s = make_schedule(entry.name, 3000);
    double before = 1;
    for (std::uint64_t t = 0; t < 10000; ++t) {
      const double now = s(t);
      ASSERT_LE(now, before) << entry.name << " at " << t;
      ASSERT_GT(now, 0) << entry.name << " at " << t;
      before = now;
    }
    EXPECT_GE(s(forever), 0) << entry.name;
    EXPECT_LE(s(forever), 1) << entry.name;
  }
}

TEST(Schedule, ConstantStays) {
  const auto s = make_schedule("constant", 1);
  for (const std::uint64_t t : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, forever}) {
    EXPECT_EQ(s(t), 1);
  }
}

TEST(Schedule, ExponentialIsAPower) {
  auto s = make_schedule("exponential(decay=0.5)", 1);
  EXPECT_EQ(s(1), 0.5);
  EXPECT_EQ(s(10), 0x1p-10);
  EXPECT_EQ(s(1000), 0x1p-1000);
  EXPECT_EQ(s(forever), 0);
  s = make_schedule("exponential", 1);
  double product = 1;
  for (std::uint64_t t = 0; t < 5000; ++t) {
    ASSERT_NEAR(s(t), product, 1e-12 * product) << t;
    product *= 0.999;
  }
}

TEST(Schedule, CosineGoesDownToItsFinalFractionAndStaysThere) {
  auto s = make_schedule("cosine(final_fraction=0.04)", 1200);
  EXPECT_NEAR(s(300), 0.04 + 0.96 * (0.5 + std::numbers::sqrt2 / 4), 1e-15);
  EXPECT_NEAR(s(400), 0.04 + 0.96 * 0.75, 1e-15);
  EXPECT_NEAR(s(600), 0.04 + 0.96 * 0.5, 1e-15);
  EXPECT_NEAR(s(800), 0.04 + 0.96 * 0.25, 1e-15);
  for (const std::uint64_t t :
       {std::uint64_t{1200}, std::uint64_t{1201}, std::uint64_t{2400}, forever}) {
    EXPECT_NEAR(s(t), 0.04, 1e-15) << t;
  }
  s = make_schedule("cosine(final_fraction=0)", 1200);
  EXPECT_EQ(s(1200), 0);
  s = make_schedule("cosine(final_fraction=1)", 1200);
  EXPECT_EQ(s(700), 1);
}

TEST(Schedule, CosineOfARunWithoutIterationsIsANumber) {
  const auto s = make_schedule("cosine(final_fraction=0.25)", 0);
  EXPECT_EQ(s(0), 1);
  EXPECT_EQ(s(5), 0.25);
}

TEST(Schedule, StepsChangeAtMultiplesAlone) {
  const auto s = make_schedule("steps(decay=0.25, step_every=10)", 1);
  EXPECT_EQ(s(9), 1);
  EXPECT_EQ(s(10), 0.25);
  EXPECT_EQ(s(19), 0.25);
  EXPECT_EQ(s(20), 0.0625);
  EXPECT_EQ(s(105), 0x1p-20);
  EXPECT_EQ(s(forever), 0);
}

}  // namespace
}  // namespace riffle::test
