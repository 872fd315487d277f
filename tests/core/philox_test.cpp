#include "core/philox.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

namespace riffle {
namespace {

// The known-answer vectors that Random123 publishes for philox4x32-10 (kat_vectors).
TEST(Philox, GivesRandom123sKnownAnswers) {
  EXPECT_EQ(Philox::block({0, 0, 0, 0}, {0, 0}),
            (Philox::Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(
      Philox::block({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
      (Philox::Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      Philox::block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (Philox::Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, IsUsableInConstantExpressions) {
  static_assert(Philox::block({0, 0, 0, 0}, {0, 0})[0] == 0x6627e8d5);
}

TEST(RandomStream, KeyIsTheSeed) {
  const RandomStream stream{0x299f31d0a4093822, Purpose::training, 0};
  EXPECT_EQ(stream.key(), (Philox::Key{0xa4093822, 0x299f31d0}));
}

TEST(RandomStream, CountersOfDifferentDrawsDiffer) {
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>> seen;
  std::size_t counters = 0;
  const std::uint64_t steps[] = {
      0, 1, 255, 0xffffffff, 0x100000000, 0x100000001, 0x00ffffffffffffff};
  for (const auto purpose : {Purpose::training, Purpose::evaluation, Purpose::draws,
                             Purpose::snapshot, Purpose::initial_values, Purpose::audit}) {
    for (const auto step : steps) {
      for (const std::uint32_t sample : {0u, 1u, 127u, 0xffffffffu}) {
        for (const std::uint32_t dim : {0u, 1u, 2u, 0xffffffffu}) {
          const auto c = RandomStream{7, purpose, step}.counter(sample, dim);
          seen.emplace(c[0], c[1], c[2], c[3]);
          ++counters;
        }
      }
    }
  }
  EXPECT_EQ(seen.size(), counters);
}

TEST(RandomStream, UniformLiesInsideTheUnitIntervalAndHasItsMoments) {
  const RandomStream stream{3, Purpose::audit, 5};
  constexpr int n = 200'000;
  double sum = 0;
  double squares = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    const double u = stream.uniform(i, 1);
    ASSERT_GT(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    squares += u * u;
  }
  // Four standard errors: sd of u is √(1/12), of u² √(4/45).
  EXPECT_NEAR(sum / n, 0.5, 4 * 0.2887 / 447);
  EXPECT_NEAR(squares / n, 1.0 / 3, 4 * 0.2981 / 447);
}

}  // namespace
}  // namespace riffle
