// Dots cover what they should, in few colours, whatever the numbers of the density are.
#include "pictures/dot_image.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <set>
#include <vector>

namespace riffle {
namespace {

constexpr int side = 40;
using Colour = std::array<int, 3>;
constexpr Colour white{255, 255, 255};

Colour at(const std::vector<unsigned char>& image, std::size_t row, std::size_t column) {
  const std::size_t i = 3 * (row * side + column);
  return {image[i], image[i + 1], image[i + 2]};
}

TEST(DotImage, HasADotWhereItIsToBe) {
  const std::vector<double> dots{0.25, 0.75};  // the corner between pixels 9 and 10, 29 and 30
  const auto image = dot_image(side, nullptr, dots, 3);
  ASSERT_EQ(image.size(), 3U * side * side);
  // 70 % of (31, 119, 180), to a sixteenth.
  const Colour inside = at(image, 30, 10);
  EXPECT_NEAR(inside[0], 255 - 0.7 * (255 - 31), 10);
  EXPECT_NEAR(inside[1], 255 - 0.7 * (255 - 119), 6);
  EXPECT_NEAR(inside[2], 255 - 0.7 * (255 - 180), 4);
  double covered = 0;
  for (std::size_t row = 0; row < side; ++row) {
    for (std::size_t column = 0; column < side; ++column) {
      const Colour colour = at(image, row, column);
      covered += (255 - colour[0]) / (0.7 * (255 - 31));
      const double distance =
          std::hypot(static_cast<double>(row) - 29.5, static_cast<double>(column) - 9.5);
      if (distance > 4) {
        EXPECT_EQ(colour, white) << row << ' ' << column;
      }
    }
  }
  EXPECT_NEAR(covered, 3.14159 * 9, 1.5);
}

TEST(DotImage, OfManyDotsOnADensityHasFewColours) {
  DensityGrid density{20, {}};
  for (int i = 0; i < 400; ++i) density.values.push_back(std::exp(-0.02 * i));
  std::vector<double> dots;
  for (int i = 0; i < 300; ++i) {
    dots.insert(dots.end(), {0.5 + 0.6 * std::sin(i), 0.5 + 0.6 * std::cos(3.0 * i)});
  }
  const auto image = dot_image(side, &density, dots, 2.5);
  std::set<Colour> colours;
  for (std::size_t row = 0; row < side; ++row) {
    for (std::size_t column = 0; column < side; ++column) colours.insert(at(image, row, column));
  }
  EXPECT_GT(colours.size(), 30U);
  EXPECT_LE(colours.size(), 102U);
}

TEST(DotImage, ShowsTheDensityUnderNoDots) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const DensityGrid density{2, {0, 1e300, nan, inf}};
  const auto image = dot_image(side, &density, {}, 2);
  EXPECT_EQ(at(image, 0, 0), white);
  EXPECT_EQ(at(image, 0, 39), (Colour{255, 196, 107}));
  EXPECT_EQ(at(image, 39, 0), white);
  EXPECT_EQ(at(image, 39, 39), (Colour{255, 196, 107}));
  const DensityGrid none{2, {0, 0, nan, -1}};
  EXPECT_EQ(dot_image(side, &none, {}, 2), dot_image(side, nullptr, {}, 2));
}

}  // namespace
}  // namespace riffle
