// What the axes of pictures show, and how finely lines on them are drawn.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "pictures/grids.h"
#include "pictures/layer_mesh.h"
#include "riffle/target.h"
#include "riffle/trained_flow.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

/// A planar layer, steep: u = (5, 0), w = (30, 10), b = 0.
TrainedFlow steep() {
  return TrainedFlow(
      {"standard-normal", "planar-free:1", Precision::float64, 2, {5, 0, 30, 10, 0}});
}

TEST(LayerMesh, LinesAreAsFineAsTheyAreBent) {
  const auto meshes = layer_meshes(steep());
  ASSERT_EQ(meshes.size(), 2U);
  for (const auto& mesh : meshes) {
    const double side = mesh.frame.x_high - mesh.frame.x_low;
    double longest = 0;
    for (const auto& line : mesh.lines) {
      for (std::size_t j = 0; j + 1 < line.x.size(); ++j) {
        EXPECT_LT(line.along[j], line.along[j + 1]);
        const double x = std::max(line.x[j], line.x[j + 1]);
        const double y = std::max(line.y[j], line.y[j + 1]);
        if (x < mesh.frame.x_low || y < mesh.frame.y_low) continue;
        longest =
            std::max(longest, std::hypot(line.x[j + 1] - line.x[j], line.y[j + 1] - line.y[j]));
      }
    }
    EXPECT_LT(longest, 0.03 * side) << mesh.layers;
    EXPECT_GT(longest, 0);
  }
}

TEST(LayerMesh, APanelShowsWhatItsLayersDid) {
  // The first layer throws everything 1000 away, the second stretches one axis by 100.
  const auto meshes = layer_meshes(TrainedFlow({"standard-normal",
                                                "affine:2",
                                                Precision::float64,
                                                2,
                                                {0, 0, 1000, 0, std::log(100.0), 0, 0, 0}}));
  ASSERT_EQ(meshes.size(), 3U);
  const auto width = [&](std::size_t k) { return meshes[k].frame.x_high - meshes[k].frame.x_low; };
  EXPECT_NEAR(width(0), 6.5, 1);
  for (const std::size_t k : {1U, 2U}) {
    // The mass fills a good part of its panel, wherever it is.
    double low = 1e300;
    double high = -1e300;
    for (const auto& line : meshes[k].lines) {
      for (const double x : line.x) {
        low = std::min(low, x);
        high = std::max(high, x);
      }
    }
    EXPECT_GT((high - low) / width(k), 0.7);
    EXPECT_LT((high - low) / width(k), 1.5);
  }
}

/// A normal of a scale about a centre, unnormalised.
std::unique_ptr<Target> normal(double centre, double sd) {
  return make_target(1, [=](std::span<const double> z, std::span<double> g) {
    const double e = (z[0] - centre) / sd;
    g[0] = -e / sd;
    return 1e5 - 0.5 * e * e;
  });
}

TEST(Frames, HoldATargetThatIsWiderThanWhereItIsSoughtFrom) {
  for (const double scale : {1e-100, 1.0, 1e100}) {
    for (const double start : {0.1, 1.0, 20.0}) {
      const auto target = normal(2 * scale, scale);
      const auto found =
          mass_ranges(UserDensity(*target), {{-start * scale, start * scale}}).front();
      EXPECT_LT(found.low, -0.5 * scale) << start;
      EXPECT_GT(found.high, 4.5 * scale) << start;
      EXPECT_LT(found.length(), 15 * scale) << start;
    }
  }
}

TEST(Frames, AreOfNearlyAllDraws) {
  std::vector<double> rows;
  for (int i = 0; i < 1000; ++i) rows.insert(rows.end(), {5.0 + i % 100, 7});
  rows[0] = 1e9;
  rows[2] = std::nan("");
  const auto x = range_of(rows, 2, 0);
  ASSERT_TRUE(x);
  EXPECT_LT(x->low, 5);
  EXPECT_GT(x->high, 104);
  EXPECT_LT(x->high, 130);
  const auto constant = range_of(rows, 2, 1);
  ASSERT_TRUE(constant);
  EXPECT_LT(constant->low, 7);
  EXPECT_GT(constant->high, 7);
  EXPECT_FALSE(range_of(std::vector<double>(4, std::nan("")), 2, 0));
}

TEST(Frames, ADensityWithoutScaleIsNormalised) {
  // ln p is about 1e5, whose exponential is none.
  const auto target = normal(0, 1);
  const auto line = target_line(UserDensity(*target), std::nullopt, {-6, 6}, 600);
  EXPECT_NEAR(*std::ranges::max_element(line), 0.3989, 1e-3);
}

}  // namespace
}  // namespace riffle
