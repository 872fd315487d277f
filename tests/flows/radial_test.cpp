// The radial layer at and near z = z0, where r vanishes, and its square long before.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "flows/flow_checks.h"

namespace riffle::test {
namespace {

/// alpha and beta: the identity, an expansion, and contractions on both sides of the branch.
struct Shape {
  double alpha;
  double beta;
};
constexpr Shape shapes[] = {{0.5, 0.5}, {-1.0, 2.0}, {1.0, 0.3}, {2.0, -3.0}};

template <class T>
std::vector<double> distances() {
  if constexpr (std::is_same_v<T, float>) return {1e-8, 1e-18, 1e-20, 1e-22};
  return {1e-8, 1e-20, 1e-154, 1e-160, 1e-165};
}

LayerCase radial(std::size_t dim) {
  for (const auto& c : layer_cases({dim})) {
    if (c.entry->name == "radial") return c;
  }
  ADD_FAILURE() << "there is no radial layer";
  return {};
}

/// Samples at z0 and at a distance from it, around a centre that is 0 in each coordinate, so that
/// such distances are numbers at all.
template <class T>
FlowInput<T> around_zero(const FlowLayer<T>& layer, Shape shape, double distance) {
  const std::size_t dim = layer.dim();
  ParameterSet set{"", std::vector<double>(dim, 0.0)};
  set.values.insert(set.values.end(), {shape.alpha, shape.beta});
  FlowInput<T> in(layer, set, 19, 5);
  Random random(17);
  for (std::size_t s = 0; s < tile_size; ++s) {
    std::vector<double> direction(dim);
    double square = 0;
    for (double& x : direction) {
      x = random.normal();
      square += x * x;
    }
    for (std::size_t d = 0; d < dim; ++d) {
      in.z.row(d)[s] = static_cast<T>(direction[d] / std::sqrt(square) * distance);
    }
  }
  return in;
}

/// The limits as r → 0, along n = (z - z0)/r, of the equations in radial.inc.
struct Limits {
  double dim;
  double across;     ///< A = B = s/α
  double slope;      ///< ∇log_det = slope · n
  double log_det;    ///< D ln A
  double log_det_s;  ///< its derivative by the raw beta
  double log_det_alpha;

  Limits(Shape shape, std::size_t d) : dim(static_cast<double>(d)) {
    const double alpha = std::log1p(std::exp(shape.alpha));
    const double s = std::log1p(std::exp(shape.beta));
    across = s / alpha;
    slope = -(across - 1) / alpha * (dim + 1) / across;
    log_det = dim * std::log(across);
    log_det_s = dim / s / (1 + std::exp(-shape.beta));
    log_det_alpha = -dim / alpha / (1 + std::exp(-shape.alpha));
  }
};

/// Forward, vjp, inverse and push_score against the limits, relative to the distance where they
/// vanish with it.
template <class T>
Failures check_limits(const FlowLayer<T>& layer, const FlowInput<T>& in, Shape shape,
                      double distance) {
  Failures failures;
  const std::size_t dim = layer.dim();
  const std::size_t n = in.count;
  const Limits limits(shape, dim);
  const double tolerance =
      256 * static_cast<double>(std::numeric_limits<T>::epsilon()) + 200 * distance;
  const auto expect = [&](double got, double expected, double size, std::string_view what) {
    if (!(std::abs(got - expected) <= tolerance * size)) {
      failures.push_back(fmt::format("{} is {:.10g} instead of {:.10g}", what, got, expected));
    }
  };
  const auto z0 = [&](std::size_t d) { return static_cast<double>(in.params[d]); };
  const auto off = [&](std::size_t d, std::size_t s) {
    return static_cast<double>(in.z.view()(d, s)) - z0(d);
  };
  const auto unit = [&](std::size_t d, std::size_t s) {
    return distance > 0 ? off(d, s) / distance : 0.0;
  };

  const auto out = forward_and_vjp(layer, in);
  TileBuffer<T> score = in.g;
  TileBuffer<T> y(dim);
  TileBuffer<T> back(dim);
  AlignedVector<T> cache(layer.cache_size());
  AlignedVector<T> log_det(tile_size, T(0));
  layer.forward(in.params, in.z.view(n), y.view(n), log_det.data(), cache.data());
  layer.push_score(in.params, in.z.view(n), cache.data(), score.view(n), in.g_log_det.data());
  log_det.assign(tile_size, T(0));
  layer.inverse(in.params, y.view(n), back.view(n), log_det.data(), cache.data());
  TileBuffer<T> score_of_inverse = in.g;
  layer.push_score(in.params, back.view(n), cache.data(), score_of_inverse.view(n),
                   in.g_log_det.data());

  std::vector<double> grad(dim + 2, 0.0);
  double size = 1;
  for (std::size_t s = 0; s < n; ++s) {
    const auto l = static_cast<double>(in.g_log_det[s]);
    expect(static_cast<double>(out.log_det[s]), limits.log_det, 1 + std::abs(limits.log_det),
           "log_det");
    expect(static_cast<double>(log_det[s]), -limits.log_det, 1 + std::abs(limits.log_det),
           "log_det of the inverse");
    grad[dim] += l * limits.log_det_alpha;
    grad[dim + 1] += l * limits.log_det_s;
    for (std::size_t d = 0; d < dim; ++d) {
      const auto g = static_cast<double>(in.g.view()(d, s));
      const double through_log_det = l * limits.slope * unit(d, s);
      const double scale = 1 + std::abs(g) + std::abs(through_log_det);
      expect(static_cast<double>(out.y.view()(d, s)) - z0(d), limits.across * off(d, s), distance,
             "y - z0");
      expect(static_cast<double>(back.view()(d, s)) - z0(d), off(d, s), distance,
             "z - z0 of the inverse");
      expect(static_cast<double>(out.dz.view()(d, s)), limits.across * g + through_log_det, scale,
             "dz");
      const double pushed = (g - through_log_det) / limits.across;
      expect(static_cast<double>(score.view()(d, s)), pushed, scale / limits.across, "score");
      expect(static_cast<double>(score_of_inverse.view()(d, s)), pushed, scale / limits.across,
             "score after the inverse");
      grad[d] += (1 - limits.across) * g - through_log_det;
      size += scale;
    }
  }
  for (std::size_t i = 0; i < grad.size(); ++i) {
    expect(static_cast<double>(out.grad[i]), grad[i], size, fmt::format("gradient [{}]", i));
  }
  return failures;
}

template <class T>
class RadialTest : public ::testing::Test {
 protected:
  /// Calls check(layer, shape) in several dimensions on every instruction set.
  template <class Check>
  static void everywhere(Check&& check) {
    for (const std::size_t dim : {1U, 2U, 3U, 8U}) {
      for (const auto set : InstructionSet::available()) {
        const auto layer = radial(dim).make<T>(set);
        for (const auto shape : shapes) {
          SCOPED_TRACE(fmt::format("D = {}, {}, alpha {}, beta {}", dim, set.name(), shape.alpha,
                                   shape.beta));
          check(*layer, shape);
        }
      }
    }
  }
};

using Precisions = ::testing::Types<float, double>;
struct PrecisionName {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, float> ? "float" : "double";
  }
};
TYPED_TEST_SUITE(RadialTest, Precisions, PrecisionName);

TYPED_TEST(RadialTest, HasItsLimitsAtTheCentre) {
  using T = TypeParam;
  TestFixture::everywhere([](const FlowLayer<T>& layer, Shape shape) {
    for (const double centre : {0.0, 0.7}) {
      auto in = around_zero<T>(layer, shape, 0);
      for (std::size_t d = 0; d < layer.dim(); ++d) {
        in.params[d] = static_cast<T>(centre * static_cast<double>(d + 1));
        std::fill_n(in.z.row(d), tile_size, in.params[d]);
      }
      EXPECT_TRUE(none(check_limits(layer, in, shape, 0))) << centre;
    }
  });
}

TYPED_TEST(RadialTest, HasItsLimitsNearTheCentre) {
  using T = TypeParam;
  TestFixture::everywhere([](const FlowLayer<T>& layer, Shape shape) {
    for (const double distance : distances<T>()) {
      const auto in = around_zero<T>(layer, shape, distance);
      EXPECT_TRUE(none(check_limits(layer, in, shape, distance))) << distance;
    }
  });
}

TYPED_TEST(RadialTest, AgreesWithDualsNearTheCentre) {
  using T = TypeParam;
  TestFixture::everywhere([](const FlowLayer<T>& layer, Shape shape) {
    const auto oracle = radial(layer.dim()).template make<Dual>(InstructionSet::scalar());
    for (const double distance : distances<T>()) {
      const auto in = around_zero<T>(layer, shape, distance);
      const DualOutput exact(*oracle, in);
      EXPECT_TRUE(none(check_values(layer, in, exact))) << distance;
      EXPECT_TRUE(none(check_determinant(layer, in, exact))) << distance;
      EXPECT_TRUE(none(check_vjp_by_duals(layer, in, exact))) << distance;
      EXPECT_TRUE(none(check_round_trip(layer, in, exact))) << distance;
      EXPECT_TRUE(none(check_push_score(layer, in, exact))) << distance;
      EXPECT_TRUE(none(check_cache_of_inverse(layer, in, exact))) << distance;
    }
  });
}

// Whatever else a sample is to the others: one at the centre leaves them alone.
TYPED_TEST(RadialTest, ASampleAtTheCentreLeavesOthersAlone) {
  using T = TypeParam;
  TestFixture::everywhere([](const FlowLayer<T>& layer, Shape shape) {
    const auto plain = around_zero<T>(layer, shape, 0.5);
    const auto expected = forward_and_vjp(layer, plain);
    for (const double distance : {0.0, distances<T>().back()}) {
      const auto near = around_zero<T>(layer, shape, distance);
      auto in = plain;
      for (std::size_t s = 0; s < in.count; s += 3) {
        for (std::size_t d = 0; d < layer.dim(); ++d) in.z.row(d)[s] = near.z.view()(d, s);
      }
      const auto out = forward_and_vjp(layer, in);
      for (std::size_t s = 0; s < in.count; ++s) {
        for (std::size_t d = 0; d < layer.dim(); ++d) {
          EXPECT_TRUE(std::isfinite(out.dz.view()(d, s)));
          if (s % 3 != 0) {
            EXPECT_EQ(out.y.view()(d, s), expected.y.view()(d, s));
            EXPECT_EQ(out.dz.view()(d, s), expected.dz.view()(d, s));
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace riffle::test
