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

TEST(FigureText, TimesAreInTheUnitThatFits) {
  EXPECT_EQ(duration_text(0), "0 ns");
  EXPECT_EQ(duration_text(8.12e-7), "812 ns");
  EXPECT_EQ(duration_text(9.996e-7), "1 µs");
  EXPECT_EQ(duration_text(2.127e-6), "2.13 µs");
  EXPECT_EQ(duration_text(0.02134), "21.3 ms");
  EXPECT_EQ(duration_text(0.9996), "1 s");
  EXPECT_EQ(duration_text(4.2), "4.2 s");
  EXPECT_EQ(duration_text(1234.5), "1234 s");
  EXPECT_EQ(duration_text(std::numeric_limits<double>::infinity()), "not finite");
}

}  // namespace
}  // namespace riffle
