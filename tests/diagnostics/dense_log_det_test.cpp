#include "diagnostics/dense_log_det.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <vector>

#include "support/random.h"

namespace riffle {
namespace {

TEST(Eliminate, AgreesWithEigen) {
  test::Random random(1);
  for (int dim = 1; dim < 12; ++dim) {
    for (int repetition = 0; repetition < 20; ++repetition) {
      Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> m(dim, dim);
      for (int i = 0; i < m.size(); ++i) m.data()[i] = random.normal();
      std::vector<double> copy(m.data(), m.data() + m.size());
      const auto found = eliminate(copy, static_cast<std::size_t>(dim));
      const double det = m.partialPivLu().determinant();
      EXPECT_NEAR(found.log_abs, std::log(std::abs(det)), 1e-9);
      EXPECT_EQ(found.sign, det > 0 ? 1 : -1);
    }
  }
}

TEST(Eliminate, OfWhatHasNoLogarithm) {
  std::vector<double> singular{1, 2, 2, 4};
  const auto none = eliminate(singular, 2);
  EXPECT_EQ(none.log_abs, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(none.sign, 0);
  for (const std::size_t place : {0U, 1U, 2U, 3U}) {
    std::vector<double> bad{1, 2, 3, 4};
    bad[place] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_TRUE(std::isnan(eliminate(bad, 2).log_abs)) << place;
  }
}

}  // namespace
}  // namespace riffle
