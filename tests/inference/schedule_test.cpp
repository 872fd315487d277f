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

Schedule schedule(ScheduleKind kind, std::uint64_t iterations = 1) {
  Schedule s;
  s.kind = kind;
  s.iterations = iterations;
  return s;
}

TEST(ScheduleRegistry, HasEveryKindOnce) {
  std::set<std::string_view> names;
  std::set<ScheduleKind> kinds;
  for (const auto& entry : schedule_registry()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_TRUE(kinds.insert(entry.kind).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
  }
  EXPECT_EQ(kinds.size(), 4u);
}

TEST(Schedule, EveryKindStartsAtTheFullRate) {
  for (const auto& entry : schedule_registry()) {
    EXPECT_EQ(schedule(entry.kind, 1000).factor(0), 1) << entry.name;
  }
}

TEST(Schedule, NoKindLeavesTheRange) {
  for (const auto& entry : schedule_registry()) {
    const auto s = schedule(entry.kind, 3000);
    double before = 1;
    for (std::uint64_t t = 0; t < 10000; ++t) {
      const double now = s.factor(t);
      ASSERT_LE(now, before) << entry.name << " at " << t;
      ASSERT_GT(now, 0) << entry.name << " at " << t;
      before = now;
    }
    EXPECT_GE(s.factor(forever), 0) << entry.name;
    EXPECT_LE(s.factor(forever), 1) << entry.name;
  }
}

TEST(Schedule, ConstantStays) {
  const auto s = schedule(ScheduleKind::constant);
  for (const std::uint64_t t : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, forever}) {
    EXPECT_EQ(s.factor(t), 1);
  }
}

TEST(Schedule, ExponentialIsAPower) {
  auto s = schedule(ScheduleKind::exponential);
  s.decay = 0.5;
  EXPECT_EQ(s.factor(1), 0.5);
  EXPECT_EQ(s.factor(10), 0x1p-10);
  EXPECT_EQ(s.factor(1000), 0x1p-1000);
  EXPECT_EQ(s.factor(forever), 0);
  s.decay = 0.999;
  double product = 1;
  for (std::uint64_t t = 0; t < 5000; ++t) {
    ASSERT_NEAR(s.factor(t), product, 1e-12 * product) << t;
    product *= 0.999;
  }
}

TEST(Schedule, CosineGoesDownToItsFinalFractionAndStaysThere) {
  auto s = schedule(ScheduleKind::cosine, 1200);
  s.final_fraction = 0.04;
  EXPECT_NEAR(s.factor(300), 0.04 + 0.96 * (0.5 + std::numbers::sqrt2 / 4), 1e-15);
  EXPECT_NEAR(s.factor(400), 0.04 + 0.96 * 0.75, 1e-15);
  EXPECT_NEAR(s.factor(600), 0.04 + 0.96 * 0.5, 1e-15);
  EXPECT_NEAR(s.factor(800), 0.04 + 0.96 * 0.25, 1e-15);
  for (const std::uint64_t t :
       {std::uint64_t{1200}, std::uint64_t{1201}, std::uint64_t{2400}, forever}) {
    EXPECT_NEAR(s.factor(t), 0.04, 1e-15) << t;
  }
  s.final_fraction = 0;
  EXPECT_EQ(s.factor(1200), 0);
  s.final_fraction = 1;
  EXPECT_EQ(s.factor(700), 1);
}

TEST(Schedule, CosineOfARunWithoutIterationsIsANumber) {
  const auto s = schedule(ScheduleKind::cosine, 0);
  EXPECT_EQ(s.factor(0), s.final_fraction);
  EXPECT_EQ(s.factor(5), s.final_fraction);
}

TEST(Schedule, StepsChangeAtMultiplesAlone) {
  auto s = schedule(ScheduleKind::steps);
  s.decay = 0.25;
  s.step_every = 10;
  EXPECT_EQ(s.factor(9), 1);
  EXPECT_EQ(s.factor(10), 0.25);
  EXPECT_EQ(s.factor(19), 0.25);
  EXPECT_EQ(s.factor(20), 0.0625);
  EXPECT_EQ(s.factor(105), 0x1p-20);
  EXPECT_EQ(s.factor(forever), 0);
}

}  // namespace
}  // namespace riffle::test
