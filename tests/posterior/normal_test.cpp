#include "posterior/normal.h"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <algorithm>
#include <numbers>
#include <vector>

#include "bases/base.h"
#include "core/aligned.h"
#include "model/draws.h"
#include "model/flow_model.h"
#include "posterior/affine_parameters.h"
#include "posterior/densities.h"

namespace riffle::test {
namespace {

TEST(Normal, VolumeAndDistanceAreThoseOfItsCovariance) {
  const Index dim = 4;
  const MatrixXd covariance = random_covariance(dim, 30, 3);
  const VectorXd mean = random_point(dim, 2, 5);
  const auto normal = make_normal(mean, covariance);
  ASSERT_TRUE(normal);
  EXPECT_LT((normal->lower * normal->lower.transpose() - covariance).norm(), 1e-12);
  EXPECT_TRUE(normal->lower.isLowerTriangular());
  EXPECT_NEAR(normal->half_log_volume(),
              0.5 * std::log((2 * std::numbers::pi * covariance).determinant()), 1e-12);
  const VectorXd z = random_point(dim, 5, 7);
  EXPECT_NEAR(normal->distance(z), std::sqrt((z - mean).dot(covariance.inverse() * (z - mean))),
              1e-12);
}

TEST(Normal, IsNotMadeOfWhatIsNoCovariance) {
  const VectorXd mean = VectorXd::Zero(2);
  Eigen::Matrix2d covariance;
  covariance << 1, 2, 2, 1;
  EXPECT_FALSE(make_normal(mean, covariance));
  EXPECT_FALSE(make_normal(mean, MatrixXd::Zero(2, 2)));
  EXPECT_FALSE(make_normal(mean, -MatrixXd::Identity(2, 2)));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(make_normal(mean, MatrixXd::Constant(2, 2, nan)));
  EXPECT_FALSE(make_normal(VectorXd::Constant(2, nan), MatrixXd::Identity(2, 2)));
}

TEST(Normal, MomentsOfAMixtureAreThoseInClosedForm) {
  const std::vector<Normal> one{*make_normal(VectorXd::Ones(2), random_covariance(2, 5, 1))};
  EXPECT_LT((moments_of(one).covariance - random_covariance(2, 5, 1)).norm(), 1e-12);

  // sd 1 at ±3 along the first axis, sd 2 and 4 along the second.
  Eigen::Vector2d off(3, 0);
  const std::vector<Normal> two{{off, Eigen::Vector2d(1, 2).asDiagonal()},
                                {-off, Eigen::Vector2d(1, 4).asDiagonal()}};
  const auto [mean, covariance] = moments_of(two);
  EXPECT_LT(mean.norm(), 1e-12);
  EXPECT_NEAR(covariance(0, 0), 1 + 9, 1e-12);
  EXPECT_NEAR(covariance(1, 1), (4 + 16) / 2.0, 1e-12);
  EXPECT_NEAR(covariance(0, 1), 0, 1e-12);
}

TEST(AffineParameters, GoThereAndBack) {
  for (const Index dim : {1, 2, 5}) {
    const auto normal = *make_normal(random_point(dim, 2, 1), random_covariance(dim, 50, 2));
    const auto back = normal_of(affine_parameters(normal), dim);
    EXPECT_LT((back.mean - normal.mean).norm(), 1e-12);
    EXPECT_LT((back.lower - normal.lower).norm(), 1e-12);
  }
}

TEST(AffineParameters, AreThoseOfTheLayer) {
  for (const Index dim : {1, 2, 5}) {
    const auto normal = *make_normal(random_point(dim, 2, 1), random_covariance(dim, 50, 2));
    const auto params = affine_parameters(normal);
    const auto n = static_cast<std::size_t>(dim);
    const auto layer = make_model<double>("standard-normal", parse_flow("affine-full"),
                                          {n, 0, InstructionSet::best()});
    ASSERT_EQ(layer.parameters().size(), params.size());
    const auto plain = make_model<double>("standard-normal", parse_flow("affine-full"),
                                          {n, 0, InstructionSet::best()});
    const RandomStream stream{3, Purpose::draws, 0};
    const auto drawn = draw<double>(layer, nullptr, params, stream, 0, 200);
    const auto base =
        draw<double>(plain, nullptr, std::vector<double>(params.size(), 0.0), stream, 0, 200);
    for (Index s = 0; s < 200; ++s) {
      const Eigen::Map<const VectorXd> z(&drawn.z[static_cast<std::size_t>(s * dim)], dim);
      const Eigen::Map<const VectorXd> x(&base.z[static_cast<std::size_t>(s * dim)], dim);
      EXPECT_LT((z - (normal.mean + normal.lower * x)).norm(), 1e-10);
      EXPECT_NEAR(drawn.log_q[static_cast<std::size_t>(s)],
                  -0.5 * std::pow(normal.distance(z), 2) - normal.half_log_volume(), 1e-10);
    }
  }
}

TEST(StandardNormals, AreThoseOfTheBase) {
  const RandomStream stream{3, Purpose::mode_search, 1};
  const auto set = InstructionSet::best();
  const auto all = standard_normals(5, stream, 0, 300, set);
  const auto base = make_base<double>("standard-normal", 5, set);
  TileBuffer<double> tile(5);
  base->sample({}, stream, tile_size, tile.view(), nullptr);
  for (Index d = 0; d < 5; ++d) {
    EXPECT_EQ(all(d, tile_size + 7), tile.row(static_cast<std::size_t>(d))[7]) << d;
    EXPECT_NEAR(all.row(d).mean(), 0, 4 / std::sqrt(300));
    EXPECT_NEAR(all.row(d).squaredNorm() / 300, 1, 4 * std::sqrt(2.0 / 300));
  }
  // A sample has the same bits wherever its neighbours begin, across tiles too.
  EXPECT_EQ(standard_normals(5, stream, 100, 60, set), all.middleCols(100, 60));
  EXPECT_EQ(standard_normals(5, stream, 299, 1, set), all.rightCols(1));
  EXPECT_EQ(standard_normals(5, stream, 8, 0, set).cols(), 0);
}

}  // namespace
}  // namespace riffle::test
