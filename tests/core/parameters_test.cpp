#include "core/parameters.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "core/aligned.h"

namespace riffle {
namespace {

TEST(ParameterLayout, PutsViewsOneBehindTheOther) {
  ParameterLayout layout;
  EXPECT_EQ(layout.size(), 0u);
  layout.add("w", "w ∈ R^D", {3});
  layout.add("A", "A ∈ R^{2×4}", {2, 4});
  layout.add("b", "b ∈ R", {});
  layout.add("none", "", {0, 5});
  ASSERT_EQ(layout.views().size(), 4u);
  const std::size_t offsets[] = {0, 3, 11, 12};
  const std::size_t sizes[] = {3, 8, 1, 0};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(layout.views()[i].offset, offsets[i]) << i;
    EXPECT_EQ(layout.views()[i].size(), sizes[i]) << i;
  }
  EXPECT_EQ(layout.size(), 12u);
}

TEST(ParameterLayout, AppendsAnotherLayoutUnderAPrefix) {
  ParameterLayout inner;
  inner.add("w", "w", {2});
  inner.add("b", "b", {1});
  ParameterLayout outer;
  outer.append("0.", inner);
  outer.append("1.", inner);
  ASSERT_EQ(outer.views().size(), 4u);
  EXPECT_EQ(outer.size(), 6u);
  EXPECT_EQ(outer.views()[2].name, "1.w");
  EXPECT_EQ(outer.views()[2].symbol, "w");
  EXPECT_EQ(outer.views()[2].offset, 3u);
  EXPECT_EQ(outer.views()[3].name, "1.b");
  EXPECT_EQ(outer.views()[3].offset, 5u);
}

TEST(TileBuffer, RowsStartOnCacheLinesAndNeverAPowerOfTwoApart) {
  EXPECT_NE(tile_stride & (tile_stride - 1), 0u);
  TileBuffer<float> singles(3);
  TileBuffer<double> doubles(3);
  for (std::size_t d = 0; d < 3; ++d) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(singles.row(d)) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(doubles.row(d)) % 64, 0u);
    for (std::size_t s = 0; s < tile_size; ++s) EXPECT_EQ(doubles.view()(d, s), 0);
  }
  doubles.view()(2, 5) = 7;
  EXPECT_EQ(doubles.row(2)[5], 7);
  const Tile<const double> view = doubles.view(6);
  EXPECT_EQ(view(2, 5), 7);
  EXPECT_EQ(view.count(), 6u);
}

}  // namespace
}  // namespace riffle
