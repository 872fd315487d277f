#include "flows/interface/chain.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "flows/flow_checks.h"
#include "flows/interface/flow_registry.h"
#include "riffle/error.h"
#include "support/effort.h"

namespace riffle::test {
namespace {

template <class T>
std::unique_ptr<Chain<T>> chain_of(const std::vector<Expression>& runs, std::size_t dim,
                                   InstructionSet set = InstructionSet::best()) {
  return make_flow<T>(runs, {dim, 0, set});
}

class ChainTest : public ::testing::TestWithParam<std::size_t> {};

template <class T>
Failures check_all(const std::vector<Expression>& runs, std::size_t dim) {
  Failures failures;
  const auto reference = chain_of<double>(runs, dim);
  const auto oracle = chain_of<Dual>(runs, dim, InstructionSet::scalar());
  auto sets = modest_parameter_sets(*reference);
  if (hurried) sets = {sets.back()};
  for (const auto& params : sets) {
    const FlowInput<T> in(*chain_of<T>(runs, dim), params, 45, 7);
    const DualOutput exact(*oracle, in);
    for (const auto set : InstructionSet::available()) {
      const auto chain = chain_of<T>(runs, dim, set);
      const auto where = fmt::format("{}, {}", set.name(), params.name);
      append(failures, check_values(*chain, in, exact), where);
      append(failures, check_determinant(*chain, in, exact), where);
      append(failures, check_vjp_by_duals(*chain, in, exact), where);
      append(failures, check_accumulation(*chain, in), where);
      append(failures, check_extremes(*chain, in), where);
      if (chain->has_inverse() && chain->injective(in.params)) {
        append(failures, check_round_trip(*chain, in, exact), where);
        append(failures, check_push_score(*chain, in, exact), where);
        append(failures, check_cache_of_inverse(*chain, in, exact), where);
      }
      if constexpr (std::is_same_v<T, double> && !hurried) {
        append(failures, check_vjp_by_differences(*chain, in.first(9)), where);
      }
    }
  }
  return failures;
}

/// ln|det| of 24 planar layers, each with determinant 1 + c at every sample.
template <class T>
AlignedVector<T> log_det_of_powers(std::size_t dim, T c, InstructionSet set) {
  const auto chain = chain_of<T>(parse_flow("planar-free:24"), dim, set);
  std::vector<T> params(chain->parameters().size(), T(0));
  for (std::size_t k = 0; k < 24; ++k) {
    params[k * (2 * dim + 1)] = 1;
    params[k * (2 * dim + 1) + dim] = c;
  }
  const TileBuffer<T> z(dim);  // zeros: wᵀz + b = 0 at every layer
  TileBuffer<T> y(dim);
  AlignedVector<T> cache(chain->cache_size());
  AlignedVector<T> log_det(tile_size, T(0));
  chain->forward(params, z.view(45), y.view(45), log_det.data(), cache.data());
  return log_det;
}

TEST(Chain, DeterminantsMayLeaveTheRangeOfTheirProduct) {
  for (const auto set : InstructionSet::available()) {
    for (const std::size_t dim : {std::size_t{2}, std::size_t{3}}) {
      for (const double c : {1e4, 1e30, -0.9999}) {
        const double expected = 24 * std::log1p(c);
        const auto in_float = log_det_of_powers<float>(dim, static_cast<float>(c), set);
        const auto in_double = log_det_of_powers<double>(dim, c, set);
        for (std::size_t s = 0; s < 45; ++s) {
          EXPECT_NEAR(in_float[s], expected, 1e-3 * std::abs(expected)) << set.name() << dim << c;
          EXPECT_NEAR(in_double[s], expected, 1e-12 * std::abs(expected)) << set.name() << dim << c;
        }
      }
    }
  }
}

// Two of every layer in a row, and one of another kind.
TEST_P(ChainTest, IsALayerOfLayers) {
  for (const auto& layer : layer_cases({GetParam()}, 200)) {
    // Two of them in a row leave the range of floats; one is among the layers of every_layer().
    if (layer.text().starts_with("tails")) continue;
    const auto flow = parse_flow(fmt::format("{} : 2 + planar", layer.text()));
    EXPECT_TRUE(none(check_all<double>(flow, GetParam()))) << layer.text();
    EXPECT_TRUE(none(check_all<float>(flow, GetParam()))) << layer.text();
  }
}

// Runs that planar layers take as products of matrices: of one stretch, of two, and behind others.
TEST(Chain, PlanarLayersInARowAreALayerOfLayers) {
  for (const auto* flow :
       {"planar:4", "planar-free:17", "affine + planar:17", "compose(planar:4):2"}) {
    for (const std::size_t dim : {std::size_t{8}, std::size_t{19}}) {
      if (hurried && dim > 8) continue;
      EXPECT_TRUE(none(check_all<double>(parse_flow(flow), dim))) << flow << dim;
      EXPECT_TRUE(none(check_all<float>(parse_flow(flow), dim))) << flow << dim;
    }
  }
}

TEST_P(ChainTest, EmptyOneIsTheIdentity) {
  const Chain<double> chain(GetParam(), {});
  EXPECT_EQ(chain.length(), 0u);
  EXPECT_EQ(chain.parameters().size(), 0u);
  EXPECT_TRUE(chain.has_inverse());
  EXPECT_TRUE(chain.injective({}));
  const FlowInput<double> in(chain, {"none", {}}, 37, 8);
  const auto out = forward_and_vjp(chain, in);
  TileBuffer<double> back(GetParam());
  AlignedVector<double> log_det(tile_size, 0.0);
  chain.inverse({}, in.z.view(37), back.view(37), log_det.data(), nullptr);
  for (std::size_t s = 0; s < 37; ++s) {
    EXPECT_EQ(out.log_det[s], 0);
    EXPECT_EQ(log_det[s], 0);
    for (std::size_t d = 0; d < GetParam(); ++d) {
      EXPECT_EQ(out.y.view()(d, s), in.z.view()(d, s));
      EXPECT_EQ(out.dz.view()(d, s), in.g.view()(d, s));
      EXPECT_EQ(back.view()(d, s), in.z.view()(d, s));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dims, ChainTest, ::testing::Values(1, 2, 3, 8));

TEST(Chain, PrefixesTheNamesAndHandsOutTheParts) {
  const auto chain = chain_of<double>(parse_flow("planar:2 + compose(planar-free:3) + planar"), 3);
  ASSERT_EQ(chain->length(), 4u);
  std::vector<double> params(chain->parameters().size());
  std::size_t offset = 0;
  std::size_t view = 0;
  for (std::size_t k = 0; k < chain->length(); ++k) {
    const auto part = chain->part(std::span<double>(params), k);
    EXPECT_EQ(part.data(), params.data() + offset) << k;
    EXPECT_EQ(part.size(), chain->layer(k).parameters().size()) << k;
    for (const auto& own : chain->layer(k).parameters().views()) {
      const auto& joined = chain->parameters().views()[view++];
      EXPECT_EQ(joined.name, fmt::format("{}.{}", k, own.name));
      EXPECT_EQ(joined.offset, offset + own.offset);
      EXPECT_EQ(joined.shape, own.shape);
    }
    offset += part.size();
  }
  EXPECT_EQ(offset, params.size());
}

TEST(Chain, InitialisesEachLayerWithItsOwnNumbers) {
  const auto chain = chain_of<double>(parse_flow("planar:3"), 2);
  std::vector<double> params(chain->parameters().size());
  chain->initialise({4, Purpose::initial_values, 0}, params);
  for (std::size_t k = 0; k < 3; ++k) {
    std::vector<double> own(chain->layer(k).parameters().size());
    chain->layer(k).initialise({4, Purpose::initial_values, k}, own);
    const auto part = chain->part(std::span<const double>(params), k);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), own.begin(), own.end())) << k;
    for (std::size_t other = 0; other < k; ++other) {
      const auto before = chain->part(std::span<const double>(params), other);
      EXPECT_FALSE(std::equal(part.begin(), part.end(), before.begin())) << k << " " << other;
    }
  }
}

TEST(Chain, IsInjectiveWhereAllItsLayersAre) {
  const auto chain = chain_of<double>(parse_flow("planar-free:2"), 1);
  const std::vector<double> both{1, 0.5, 0, 1, -0.9, 0};
  const std::vector<double> last_not{1, 0.5, 0, 1, -1.1, 0};
  const std::vector<double> first_not{1, -1.1, 0, 1, 0.5, 0};
  EXPECT_TRUE(chain->injective(both));
  EXPECT_FALSE(chain->injective(last_not));
  EXPECT_FALSE(chain->injective(first_not));
}

// The determinants of a deep chain multiply to far beyond the range of the precision; their
// logarithms must not.
TEST(Chain, LogDetOutlivesTheRangeOfTheDeterminant) {
  const auto run = [&]<class T>(T, double tolerance) {
    for (const auto set : InstructionSet::available()) {
      // One dimension, f(z) = z + u tanh(w z), near 0: det = 1 + u w in every layer.
      for (const double u : {1e4, -0.9999}) {
        constexpr std::size_t length = 300;
        const auto chain =
            make_flow<T>(parse_flow(fmt::format("planar-free:{}", length)), {1, 0, set});
        std::vector<T> params;
        for (std::size_t k = 0; k < length; ++k) {
          params.insert(params.end(), {T(1), static_cast<T>(u), T(0)});
        }
        TileBuffer<T> z(1);
        TileBuffer<T> y(1);
        AlignedVector<T> log_det(tile_size, T(0));
        AlignedVector<T> cache(chain->cache_size());
        chain->forward(params, z.view(3), y.view(3), log_det.data(), cache.data());
        const double factor = 1 + static_cast<double>(static_cast<T>(u));
        const double expected = length * std::log(factor);
        EXPECT_NEAR(static_cast<double>(log_det[2]), expected, tolerance * std::abs(expected))
            << set.name();
      }
    }
  };
  run(double(), 1e-12);
  run(float(), 1e-5);
}

TEST(ParseFlow, ReadsNamesAndCounts) {
  const auto one = parse_flow("planar");
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].name, "planar");
  EXPECT_EQ(one[0].count, 1u);
  const auto two = parse_flow("planar:16+planar-free:2");
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].count, 16u);
  EXPECT_EQ(two[1].name, "planar-free");
  EXPECT_EQ(two[1].count, 2u);
}

TEST(ParseFlow, RefusesAnythingElseByName) {
  for (const std::string text : {"",
                                 ":",
                                 "planar:",
                                 "planar:0",
                                 "planar:-1",
                                 "planar:1.5",
                                 "planar:16x",
                                 "planar:100001",
                                 "planar:99999999999999999999999",
                                 "+planar",
                                 "planar+",
                                 "planar++planar",
                                 "planr:2",
                                 "planar(",
                                 "planar)",
                                 "planar(planar)",
                                 "planar(x=1)",
                                 "inverse",
                                 "inverse()",
                                 "inverse(planr)"}) {
    try {
      make_flow<double>(parse_flow(text), {2, 0, InstructionSet::scalar()});
      FAIL() << "\"" << text << "\" was read";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::usage) << text;
    }
  }
  try {
    parse_flow("planr:2");
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "no flow \"planr\"; did you mean \"planar\"?");
  }
  try {
    parse_flow("repeat(planar)");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string_view(e.what()).find("as in planar:3"), std::string_view::npos);
  }
}

}  // namespace
}  // namespace riffle::test
