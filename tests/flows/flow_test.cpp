// Every registered layer, on every instruction set, in float and double. A new layer is tested here
// by being in the registry.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "flows/flow_checks.h"
#include "flows/interface/flow_registry.h"
#include "support/effort.h"

namespace riffle::test {
namespace {

class FlowTest : public ::testing::TestWithParam<LayerCase> {
 protected:
  const FlowEntry& entry() const { return *GetParam().entry; }
  std::size_t dim() const { return GetParam().dim; }
  template <class T>
  std::unique_ptr<FlowLayer<T>> make(InstructionSet set = InstructionSet::best(),
                                     double floor = 0) const {
    return GetParam().make<T>(set, floor);
  }

  /// Runs `check(layer, input, exact)` for every parameter set and instruction set.
  template <class T, class Check>
  Failures everywhere(Check&& check, double floor = 0) {
    Failures failures;
    const auto oracle = make<Dual>(InstructionSet::scalar(), floor);
    std::vector<std::unique_ptr<FlowLayer<T>>> layers;
    for (const auto set : InstructionSet::available()) layers.push_back(make<T>(set, floor));
    for (const auto& set : GetParam().parameter_sets()) {
      const FlowInput<T> in(*layers[0], set, dim() <= 3 ? tile_size : 45, 40 + dim());
      const DualOutput exact(*oracle, in);
      if (!exact.template within_range_of<T>()) continue;
      for (std::size_t k = 0; k < layers.size(); ++k) {
        append(failures, check(*layers[k], in, exact),
               fmt::format("{}, {}", InstructionSet::available()[k].name(), set.name));
      }
    }
    return failures;
  }
};

// Duals take most of the time, so that what needs them is checked in one go.
TEST_P(FlowTest, ValuesAndGradientsAgreeWithDualsAndLogDetWithTheDenseJacobian) {
  const auto check = [](const auto& layer, const auto& in, const auto& exact) {
    Failures failures = check_values(layer, in, exact);
    append(failures, check_determinant(layer, in, exact), "determinant");
    append(failures, check_vjp_by_duals(layer, in, exact), "vjp");
    append(failures, check_accumulation(layer, in), "accumulation");
    return failures;
  };
  EXPECT_TRUE(none(everywhere<double>(check)));
  EXPECT_TRUE(none(everywhere<float>(check)));
}

class FlooredFlowTest : public FlowTest {};

TEST_P(FlooredFlowTest, VjpAgreesWithDuals) {
  constexpr double floor = 1e-2;
  const auto check = [&](const auto& layer, const auto& in, const auto& exact) {
    Failures failures = check_values(layer, in, exact);
    append(failures, check_vjp_by_duals(layer, in, exact));
    append(failures, check_determinant(layer, in, exact, floor));
    return failures;
  };
  EXPECT_TRUE(none(everywhere<double>(check, floor)));
  EXPECT_TRUE(none(everywhere<float>(check, floor)));
}

TEST_P(FlowTest, VjpAgreesWithFiniteDifferences) {
  Failures failures;
  const auto layer = make<double>();
  for (const auto& set : GetParam().parameter_sets()) {
    if (!set.smooth) continue;
    const FlowInput<double> in(*layer, set, 24, 50 + dim());
    append(failures, check_vjp_by_differences(*layer, in), set.name);
  }
  EXPECT_TRUE(none(failures));
}

TEST_P(FlowTest, InverseGivesZBackAndScoresArePushedThroughIt) {
  std::size_t inverted = 0;
  const auto check = [&](const auto& layer, const auto& in, const auto& exact) {
    if (!layer.has_inverse() || !layer.injective(in.params)) return Failures{};
    ++inverted;
    Failures failures = check_round_trip(layer, in, exact);
    append(failures, check_push_score(layer, in, exact), "push_score");
    append(failures, check_cache_of_inverse(layer, in, exact), "cache of the inverse");
    return failures;
  };
  const auto layer = make<double>();
  if (!layer->has_inverse()) GTEST_SKIP() << "no inverse: " << layer->no_inverse_reason();
  EXPECT_TRUE(none(everywhere<double>(check)));
  EXPECT_TRUE(none(everywhere<float>(check)));
  EXPECT_GT(inverted, 0u);
}

TEST_P(FlowTest, ExtremeSamplesLeaveTheOthersAlone) {
  const auto run = [&]<class T>(T) {
    Failures failures;
    const auto sets = GetParam().parameter_sets();
    for (const auto set : InstructionSet::available()) {
      const auto layer = make<T>(set);
      for (std::size_t k = 0; k < sets.size(); k += 3) {
        const FlowInput<T> in(*layer, sets[k], 37, 60 + k);
        append(failures, check_extremes(*layer, in),
               fmt::format("{}, {}", set.name(), sets[k].name));
      }
    }
    return failures;
  };
  EXPECT_TRUE(none(run(double())));
  EXPECT_TRUE(none(run(float())));
}

// A sample's numbers do not depend on how many others share its tile.
TEST_P(FlowTest, AnyNumberOfSamplesWillDo) {
  const auto run = [&]<class T>(T) {
    Failures failures;
    const auto oracle = make<Dual>(InstructionSet::scalar());
    const auto sets = GetParam().parameter_sets();
    for (const auto set : InstructionSet::available()) {
      const auto layer = make<T>(set);
      for (const auto& params : {sets[0], sets[4]}) {
        const FlowInput<T> full(*layer, params, tile_size, 70);
        const DualOutput exact(*oracle, full);
        const auto all = forward_and_vjp(*layer, full);
        for (const std::size_t n :
             {1U, 2U, 3U, 4U, 5U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 127U, 128U}) {
          const auto in = full.first(n);
          const auto out = forward_and_vjp(*layer, in);
          for (std::size_t s = 0; s < n; ++s) {
            bool same = out.log_det[s] == all.log_det[s];
            for (std::size_t d = 0; d < dim(); ++d) {
              same &= out.y.view()(d, s) == all.y.view()(d, s);
              same &= out.dz.view()(d, s) == all.dz.view()(d, s);
            }
            if (!same) {
              failures.push_back(fmt::format("sample {} of {} is another than among {} on {}", s, n,
                                             tile_size, set.name()));
            }
          }
          if (hurried && n < 127) continue;
          append(failures, check_vjp_by_duals(*layer, in, exact), set.name());
        }
      }
    }
    return failures;
  };
  EXPECT_TRUE(none(run(double())));
  EXPECT_TRUE(none(run(float())));
}

// Where a layer says that it is injective, its determinant keeps its sign.
TEST_P(FlowTest, InjectiveLayersKeepTheSignOfTheDeterminant) {
  const auto layer = make<double>();
  const auto oracle = make<Dual>(InstructionSet::scalar());
  std::size_t injective = 0;
  for (const auto& set : GetParam().parameter_sets()) {
    if (!layer->injective(set.values)) continue;
    ++injective;
    const FlowInput<double> in(*layer, set, tile_size, 80);
    const DualOutput exact(*oracle, in);
    bool positive = false;
    bool negative = false;
    for (std::size_t s = 0; s < in.count; ++s) {
      const auto jacobian = exact.jacobian(s);
      const double det = jacobian.determinant();
      // A sign counts where rounding of the elimination cannot have made it.
      const double rounding =
          1e-13 * std::pow(std::max(1.0, jacobian.norm()), static_cast<double>(dim()));
      positive |= det > rounding;
      negative |= det < -rounding;
    }
    EXPECT_FALSE(positive && negative) << set.name;
  }
  EXPECT_GT(injective, 0u);
}

TEST_P(FlowTest, ParametersThatAreNotANumberAreNotInjectiveOrGiveNoFiniteDensity) {
  const auto layer = make<double>();
  const auto plain = GetParam().parameter_sets()[4];
  for (std::size_t i = 0; i < layer->parameters().size(); ++i) {
    auto set = plain;
    set.values[i] = std::numeric_limits<double>::quiet_NaN();
    if (!layer->injective(set.values)) continue;
    const FlowInput<double> in(*layer, set, 9, 90);
    const auto out = forward_and_vjp(*layer, in);
    for (std::size_t s = 0; s < in.count; ++s) {
      bool finite = std::isfinite(out.log_det[s]);
      for (std::size_t d = 0; d < dim(); ++d) finite &= std::isfinite(out.y.view()(d, s));
      EXPECT_FALSE(finite) << "parameter " << i << ", sample " << s;
    }
  }
}

TEST_P(FlowTest, InitialValuesAreDrawnFromTheStreamAlone) {
  const auto layer = make<double>();
  const auto values = [&](std::uint64_t seed, std::uint64_t step) {
    std::vector<double> params(layer->parameters().size(),
                               std::numeric_limits<double>::quiet_NaN());
    layer->initialise({seed, Purpose::initial_values, step}, params);
    return params;
  };
  const auto params = values(1, 0);
  EXPECT_EQ(params, values(1, 0));
  for (const double p : params) EXPECT_TRUE(std::isfinite(p));
  EXPECT_TRUE(layer->injective(params));
  // Some layers draw nothing; one that draws uses both the seed and its place.
  const bool draws = params != values(2, 0);
  EXPECT_EQ(draws, params != values(1, 1));
  EXPECT_EQ(draws, params != values(7, 9));
}

INSTANTIATE_TEST_SUITE_P(Layers, FlowTest, ::testing::ValuesIn(layer_cases({1, 2, 3, 8, 17})),
                         [](const auto& test) { return test.param.name(); });

INSTANTIATE_TEST_SUITE_P(Layers, FlooredFlowTest, ::testing::ValuesIn([] {
                           auto cases = layer_cases({1, 2, 3, 8, 17});
                           std::erase_if(
                               cases, [](const LayerCase& c) { return !c.entry->log_det_floor; });
                           return cases;
                         }()),
                         [](const auto& test) { return test.param.name(); });

TEST(FlowRegistry, NamesAreUniqueAndDescribed) {
  std::set<std::string_view> names;
  for (const auto& entry : flow_registry()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
    EXPECT_FALSE(entry.cost.empty()) << entry.name;
    EXPECT_FALSE(entry.inversion.empty()) << entry.name;
  }
  for (const auto& layer_case : layer_cases({3})) {
    const auto layer = layer_case.make<double>();
    std::set<std::string> views;
    for (const auto& view : layer->parameters().views()) {
      EXPECT_TRUE(views.insert(view.name).second) << layer_case.name() << " " << view.name;
      EXPECT_FALSE(view.symbol.empty()) << layer_case.name() << " " << view.name;
    }
  }
}

}  // namespace
}  // namespace riffle::test
