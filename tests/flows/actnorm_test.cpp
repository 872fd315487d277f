// How actnorm meets data before training.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/aligned.h"
#include "flows/interface/flow_registry.h"
#include "support/random.h"

namespace riffle::test {
namespace {

constexpr std::size_t tiles = 5;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <class T>
using Batch = std::vector<TileBuffer<T>>;

/// Coordinate d has mean 3 - 2d and standard deviation 10^(d - 1), about.
template <class T>
Batch<T> samples(std::size_t dim) {
  Random random(31);
  Batch<T> batch(tiles, TileBuffer<T>(dim));
  for (auto& tile : batch) {
    for (std::size_t d = 0; d < dim; ++d) {
      const auto k = static_cast<double>(d);
      for (std::size_t s = 0; s < tile_size; ++s) {
        tile.row(d)[s] = static_cast<T>(3 - 2 * k + std::pow(10, k - 1) * random.normal());
      }
    }
  }
  return batch;
}

/// Mean 0 and standard deviation 1 over the samples that are finite.
template <class T>
void expect_standard(const Batch<T>& batch, std::size_t d, double tolerance) {
  double count = 0;
  double sum = 0;
  double squares = 0;
  for (const auto& tile : batch) {
    for (std::size_t s = 0; s < tile_size; ++s) {
      const auto x = static_cast<double>(tile.view()(d, s));
      if (!std::isfinite(x)) continue;
      ++count;
      sum += x;
      squares += x * x;
    }
  }
  EXPECT_NEAR(sum / count, 0, tolerance) << d;
  EXPECT_NEAR(squares / count, 1, tolerance) << d;
}

template <class T>
std::vector<T> adapted(std::string_view flow_text, std::size_t dim, Direction direction,
                       Batch<T>& batch) {
  const auto flow = make_flow<T>(parse_flow(flow_text), {dim, 0, InstructionSet::best()});
  std::vector<T> params(flow->parameters().size());
  flow->initialise({3, Purpose::initial_values, 0}, params);
  flow->adapt(direction, batch, params);
  return params;
}

template <class T>
void check(std::string_view flow, Direction direction, double tolerance) {
  SCOPED_TRACE(flow);
  auto batch = samples<T>(3);
  adapted<T>(flow, 3, direction, batch);
  for (std::size_t d = 0; d < 3; ++d) expect_standard(batch, d, tolerance);
}

TEST(Actnorm, StandardisesWhatLeavesIt) {
  for (const auto direction : {Direction::forward, Direction::inverse}) {
    check<double>("actnorm", direction, 1e-12);
    check<float>("actnorm", direction, 2e-5);
    check<double>("inverse(actnorm)", direction, 1e-12);
    check<double>("compose(actnorm)", direction, 1e-12);
    check<double>("inverse(compose(actnorm + inverse(actnorm)))", direction, 1e-12);
  }
  check<double>("planar + compose(affine + actnorm)", Direction::forward, 1e-12);
  check<double>("inverse(actnorm + planar)", Direction::forward, 1e-12);
  check<double>("actnorm + planar", Direction::inverse, 1e-12);
}

TEST(Actnorm, SetsTheParametersThatItStates) {
  auto batch = samples<double>(3);
  const auto forward = adapted<double>("actnorm", 3, Direction::forward, batch);
  batch = samples<double>(3);
  const auto inverse = adapted<double>("actnorm", 3, Direction::inverse, batch);
  for (std::size_t d = 0; d < 3; ++d) {
    const auto k = static_cast<double>(d);
    EXPECT_NEAR(inverse[d], (k - 1) * std::log(10), 0.1) << d;
    EXPECT_NEAR(inverse[3 + d], 3 - 2 * k, 0.2 * std::pow(10, k - 1)) << d;
    EXPECT_NEAR(forward[d], -inverse[d], 1e-12) << d;
    EXPECT_NEAR(forward[3 + d], -inverse[3 + d] * std::exp(-inverse[d]), 1e-12) << d;
  }
}

// What goes on to the next layer has been through this one.
TEST(Actnorm, PassesTheBatchOn) {
  auto batch = samples<double>(3);
  const auto both = adapted<double>("actnorm:2", 3, Direction::forward, batch);
  for (std::size_t i = 6; i < 12; ++i) EXPECT_NEAR(both[i], 0, 1e-12) << i;
  batch = samples<double>(3);
  const auto back = adapted<double>("actnorm:2", 3, Direction::inverse, batch);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(back[i], 0, 1e-12) << i;
}

TEST(Actnorm, OnlyAffineOfThatNameMeetsData) {
  auto batch = samples<double>(3);
  const auto params = adapted<double>("affine", 3, Direction::forward, batch);
  for (const double p : params) EXPECT_EQ(p, 0);
}

TEST(Actnorm, KeepsTheScaleWithoutSpread) {
  for (const auto direction : {Direction::forward, Direction::inverse}) {
    auto batch = samples<double>(3);
    for (auto& tile : batch) std::fill_n(tile.row(1), tile_size, 0.1);
    const auto params = adapted<double>("actnorm", 3, direction, batch);
    EXPECT_EQ(params[1], 0);
    EXPECT_NEAR(params[4], direction == Direction::forward ? -0.1 : 0.1, 1e-15);
    expect_standard(batch, 0, 1e-12);
    for (const auto& tile : batch) EXPECT_NEAR(tile.view()(1, 7), 0, 1e-15);
  }
}

TEST(Actnorm, DoesNotCountSamplesThatAreNotFinite) {
  for (const auto direction : {Direction::forward, Direction::inverse}) {
    auto batch = samples<double>(3);
    batch[0].row(0)[0] = nan;  // the very first, from which the mean is taken
    batch[1].row(1)[5] = std::numeric_limits<double>::infinity();
    batch[4].row(2)[127] = nan;
    const auto params = adapted<double>("actnorm", 3, direction, batch);
    for (const double p : params) EXPECT_TRUE(std::isfinite(p));
    // All coordinates of such a sample are left out, not only the one that is not finite.
    batch[0].row(1)[0] = batch[0].row(2)[0] = nan;
    batch[1].row(0)[5] = batch[1].row(2)[5] = nan;
    batch[4].row(0)[127] = batch[4].row(1)[127] = nan;
    for (std::size_t d = 0; d < 3; ++d) expect_standard(batch, d, 1e-12);
  }
}

TEST(Actnorm, StaysAsItIsWhereNothingIsFinite) {
  auto batch = samples<double>(2);
  for (auto& tile : batch) std::fill_n(tile.row(1), tile_size, nan);
  const auto params = adapted<double>("actnorm", 2, Direction::forward, batch);
  for (const double p : params) EXPECT_EQ(p, 0);
}

}  // namespace
}  // namespace riffle::test
