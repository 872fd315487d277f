// What is known of the planar flow beyond what every layer is tested for.

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/aligned.h"
#include "core/names.h"
#include "flows/interface/flow_registry.h"

namespace riffle {
namespace {

template <class T>
std::unique_ptr<FlowLayer<T>> layer_of(std::string_view name, std::size_t dim,
                                       InstructionSet set = InstructionSet::best()) {
  const auto& entry = find_by_name(flow_registry(), name, "flow");
  const Expression plain{std::string(name), 1, {}, {}};
  return entry.make<T>({dim, 0, set, Arguments(plain, entry.options)});
}

struct Mapped {
  std::vector<double> y;
  double log_det;
};

template <class T>
Mapped map(const FlowLayer<T>& layer, const std::vector<double>& params,
           const std::vector<double>& z) {
  const std::vector<T> p(params.begin(), params.end());
  TileBuffer<T> in(layer.dim());
  TileBuffer<T> out(layer.dim());
  AlignedVector<T> log_det(tile_size, T(0));
  AlignedVector<T> cache(layer.cache_size());
  for (std::size_t d = 0; d < z.size(); ++d) in.row(d)[0] = static_cast<T>(z[d]);
  layer.forward(p, in.view(1), out.view(1), log_det.data(), cache.data());
  Mapped result{{}, static_cast<double>(log_det[0])};
  for (std::size_t d = 0; d < z.size(); ++d) {
    result.y.push_back(static_cast<double>(out.row(d)[0]));
  }
  return result;
}

// Computed independently from the formulas of Rezende & Mohamed (2015), with ‖w‖² in û.
const std::vector<double> w_u_b{0.7, -0.4, -2.5, 0.9, 0.2};
const std::vector<double> z{0.3, -1.2};
const std::vector<double> f{-0.540425909429923, -1.095779024287210};
constexpr double log_det = -0.575183061900079;
const std::vector<double> u_hat{-1.181379413171154, 0.146502521812088};

TEST(Planar, GivesTheCheckedValues) {
  for (const auto set : InstructionSet::available()) {
    const auto mapped = map(*layer_of<double>("planar", 2, set), w_u_b, z);
    EXPECT_NEAR(mapped.y[0], f[0], 1e-12) << set.name();
    EXPECT_NEAR(mapped.y[1], f[1], 1e-12) << set.name();
    EXPECT_NEAR(mapped.log_det, log_det, 1e-12) << set.name();
    const auto single = map(*layer_of<float>("planar", 2, set), w_u_b, z);
    EXPECT_NEAR(single.y[0], f[0], 1e-6) << set.name();
    EXPECT_NEAR(single.y[1], f[1], 1e-6) << set.name();
    EXPECT_NEAR(single.log_det, log_det, 1e-6) << set.name();
  }
}

TEST(Planar, UHatIsTheCheckedOne) {
  // f(z) - z = û tanh(wᵀz + b), and tanh → 1 for a large b.
  auto params = w_u_b;
  params[4] = 100;
  const auto mapped = map(*layer_of<double>("planar", 2), params, {0, 0});
  EXPECT_NEAR(mapped.y[0], u_hat[0], 1e-12);
  EXPECT_NEAR(mapped.y[1], u_hat[1], 1e-12);
}

TEST(Planar, FreeTakesUAsItIs) {
  const auto mapped = map(*layer_of<double>("planar-free", 2), {0.7, -0.4, -2.5, 0.9, 100}, {1, 2});
  EXPECT_DOUBLE_EQ(mapped.y[0], 1 - 2.5);
  EXPECT_DOUBLE_EQ(mapped.y[1], 2 + 0.9);
  EXPECT_NEAR(mapped.log_det, 0, 1e-12);
}

TEST(Planar, ConstraintIsTheUnconstrainedMapAtUHat) {
  const auto constrained = map(*layer_of<double>("planar", 2), w_u_b, z);
  const auto free =
      map(*layer_of<double>("planar-free", 2), {0.7, -0.4, u_hat[0], u_hat[1], 0.2}, z);
  EXPECT_NEAR(constrained.y[0], free.y[0], 1e-12);
  EXPECT_NEAR(constrained.y[1], free.y[1], 1e-12);
  EXPECT_NEAR(constrained.log_det, free.log_det, 1e-12);
}

TEST(Planar, FreeIsInjectiveJustWhereWDotUIsAtLeastMinusOne) {
  const auto layer = layer_of<double>("planar-free", 2);
  const auto injective = [&](double dot) {
    // w = (0.5, 0) and u = (2 dot, 7): products exact in binary.
    return layer->injective(std::vector<double>{0.5, 0, 2 * dot, 7, 0.3});
  };
  EXPECT_TRUE(injective(5));
  EXPECT_TRUE(injective(-0.5));
  EXPECT_TRUE(injective(-1));
  EXPECT_FALSE(injective(-1.0001));
  EXPECT_FALSE(injective(-50));
  EXPECT_FALSE(injective(std::numeric_limits<double>::quiet_NaN()));
}

TEST(Planar, FreeFoldsWhereItSaysThatItIsNotInjective) {
  // One dimension, w = 1, u = -3, b = 0: f(z) = z - 3 tanh(z) sends 0 and two others to 0.
  const auto layer = layer_of<double>("planar-free", 1);
  const std::vector<double> params{1, -3, 0};
  ASSERT_FALSE(layer->injective(params));
  double low = 1;
  double high = 4;
  for (int i = 0; i < 100; ++i) {
    const double middle = 0.5 * (low + high);
    (map(*layer, params, {middle}).y[0] < 0 ? low : high) = middle;
  }
  EXPECT_GT(low, 1);
  EXPECT_NEAR(map(*layer, params, {low}).y[0], 0, 1e-12);
  EXPECT_NEAR(map(*layer, params, {0}).y[0], 0, 1e-12);
  EXPECT_NEAR(map(*layer, params, {0}).log_det, std::log(2), 1e-12);
}

TEST(Planar, ConstrainedIsAlwaysInjective) {
  const auto layer = layer_of<double>("planar", 2);
  EXPECT_TRUE(layer->injective(std::vector<double>{1, 0, -1e5, 0, 0}));
  EXPECT_TRUE(layer->injective(std::vector<double>{0, 0, -3, 2, 0}));
}

TEST(Planar, ConstrainedIsMonotoneAlongW) {
  for (const double u : {-1e3, -30.0, -5.0, -1.0, 0.0, 3.0, 100.0}) {
    const auto layer = layer_of<double>("planar", 1);
    double before = -1e300;
    for (double x = -3; x <= 3; x += 1.0 / 64) {
      const double y = map(*layer, {1.3, u, 0.4}, {x}).y[0];
      // Where wᵀû rounds to -1, f is flat to rounding at its steepest point.
      EXPECT_GE(y, before - 1e-15) << u << " at " << x;
      before = y;
    }
  }
}

}  // namespace
}  // namespace riffle
