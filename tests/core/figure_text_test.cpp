#include "core/figure_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace riffle {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(FigureText, HasFourDecimals) {
  EXPECT_EQ(figure_text(-1.96334), "-1.9633");
  EXPECT_EQ(figure_text(0), "0.0000");
  EXPECT_EQ(figure_text(999'999'999.5), "999999999.5000");
}

TEST(FigureText, IsShortWhereItIsLarge) {
  EXPECT_EQ(figure_text(-1.23456e9), "-1.235e+09");
  EXPECT_EQ(figure_text(std::numeric_limits<double>::max()), "1.798e+308");
}

TEST(FigureText, SaysWhatIsNotFinite) {
  for (const double x : {nan, -nan, inf, -inf}) EXPECT_EQ(figure_text(x), "not finite") << x;
}

TEST(FigureText, HasAStandardErrorWhereThereIsOne) {
  EXPECT_EQ(figure_text(-1.96334, 0.0021), "-1.9633 ± 0.0021");
  EXPECT_EQ(figure_text(2e30, 1e29), "2e+30 ± 1e+29");
  for (const double error : {nan, -nan, inf}) {
    EXPECT_EQ(figure_text(1.5, error), "1.5000 ± unknown") << error;
  }
  EXPECT_EQ(figure_text(-nan, nan), "not finite");
  EXPECT_EQ(figure_text(-inf, 1), "not finite");
}

}  // namespace
}  // namespace riffle
