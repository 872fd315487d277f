#include "inference/objective.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <stdexcept>

#include "inference/estimator_setup.h"

namespace riffle::test {
namespace {

TEST(ObjectiveRegistry, NamesAreUniqueAndEntriesComplete) {
  std::set<std::string_view> names;
  for (const auto& entry : objective_registry()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
    ASSERT_NE(entry.terms, nullptr) << entry.name;
  }
}

TEST(Objective, TheBoundLeavesOutTheEntropyOfTheBase) {
  for (const std::uint64_t t : {0U, 1U, 5000U, 1000000U}) {
    const auto terms = objective_terms("bound")(t);
    EXPECT_EQ(terms.base_weight, 0);
    EXPECT_EQ(terms.beta, 1);
  }
}

TEST(Objective, FreeEnergyWeighsEverythingByOne) {
  for (const std::uint64_t t : {0U, 1U, 5000U, 1000000U}) {
    const auto terms = objective_terms("free-energy")(t);
    EXPECT_EQ(terms.base_weight, 1);
    EXPECT_EQ(terms.beta, 1);
  }
}

TEST(Objective, OnlyAnnealedOnesChangeWithTime) {
  for (const auto& entry : objective_registry()) {
    const auto terms = objective_terms(entry.name);
    EXPECT_EQ(entry.name == "annealed", terms(0).beta != terms(5000).beta) << entry.name;
    EXPECT_EQ(terms(0).base_weight, terms(5000).base_weight) << entry.name;
  }
}

// Rezende & Mohamed (2015), equation 20.
TEST(Objective, AnnealingFollowsThePaper) {
  const auto beta = [](std::uint64_t t) { return objective_terms("annealed")(t).beta; };
  EXPECT_EQ(beta(0), 0.01);
  EXPECT_DOUBLE_EQ(beta(1), 0.0101);
  EXPECT_DOUBLE_EQ(beta(100), 0.02);
  EXPECT_DOUBLE_EQ(beta(5000), 0.51);
  EXPECT_DOUBLE_EQ(beta(9899), 0.9999);
  EXPECT_DOUBLE_EQ(beta(9900), 1);
  for (const std::uint64_t t : {9901U, 10000U, 10001U, 1000000U}) EXPECT_EQ(beta(t), 1);
  EXPECT_EQ(beta(std::numeric_limits<std::uint64_t>::max()), 1);
  for (const std::uint64_t t : {0U, 5000U, 20000U}) {
    EXPECT_EQ(objective_terms("annealed")(t).base_weight, 1);
  }
}

TEST(Objective, AnnealingTakesOtherConstants) {
  const auto annealed = objective_terms("annealed(beta_start=0.5, beta_steps=10)");
  EXPECT_EQ(annealed(0).beta, 0.5);
  EXPECT_DOUBLE_EQ(annealed(3).beta, 0.8);
  EXPECT_EQ(annealed(5).beta, 1);
  EXPECT_EQ(annealed(6).beta, 1);
  EXPECT_EQ(objective_terms("annealed(beta_start=2, beta_steps=10)")(0).beta, 1);
}

/// ln p = level everywhere.
class Flat final : public Density<double> {
 public:
  explicit Flat(double level) : Density<double>(2), level_(level) {}

 private:
  void evaluate_impl(Tile<const double> z, double* log_density, Tile<double> g) const override {
    std::fill_n(log_density, tile_size, level_);
    for (std::size_t d = 0; d < z.dim(); ++d) std::fill_n(g.row(d), tile_size, 0.0);
  }

  double level_;
};

class Terms : public ::testing::Test {
 protected:
  static constexpr std::size_t batch = 200;
  static constexpr RandomStream stream{5, Purpose::training, 2};

  static double value(const Problem<double>& problem, std::span<const double> params,
                      ObjectiveTerms terms) {
    return estimate_once<double>(problem, params, batch, stream, terms).estimate.value;
  }
};

TEST_F(Terms, OfTheTargetAreMinusBetaTimesLogP) {
  const Problem<double> low("planar:2", 2, std::make_unique<Flat>(0));
  const Problem<double> high("planar:2", 2, std::make_unique<Flat>(3));
  const auto params = low.random_params(0.5, 1);
  for (const auto& entry : objective_registry()) {
    for (const std::uint64_t t : {0U, 100U, 5000U, 20000U}) {
      const auto terms = objective_terms(
          std::string(entry.name) + (entry.name == "renyi" || entry.name == "importance-weighted"
                                         ? "(importance_samples=8)"
                                         : ""))(t);
      const double beta =
          entry.name == "annealed" ? std::min(1.0, 0.01 + static_cast<double>(t) / 10000) : 1;
      EXPECT_NEAR(value(high, params, terms) - value(low, params, terms), -3 * beta, 1e-12)
          << entry.name << " at " << t;
    }
  }
}

TEST_F(Terms, OfFlowAndBaseAreNotAnnealed) {
  const Problem<double> flat("planar:2", 2, std::make_unique<Flat>(0));
  const auto params = flat.random_params(0.5, 1);
  const auto all = reference_estimate<double>(flat, params, batch, stream, {1, 0});
  const auto flow_alone = reference_estimate<double>(flat, params, batch, stream, {0, 0});
  for (const std::uint64_t t : {0U, 100U, 5000U, 20000U}) {
    EXPECT_NEAR(value(flat, params, objective_terms("annealed")(t)), all.value, 1e-12);
    EXPECT_NEAR(value(flat, params, objective_terms("free-energy")(t)), all.value, 1e-12);
    EXPECT_NEAR(value(flat, params, objective_terms("bound")(t)), flow_alone.value, 1e-12);
  }
  EXPECT_GT(std::abs(all.value - flow_alone.value), 1);
}

TEST_F(Terms, TheGradientIsAnnealedInTheTargetAlone) {
  const Problem<double> flat("planar:2", 2, std::make_unique<Flat>(0));
  const Problem<double> normal("planar:2", 2, "gaussian");
  const auto params = flat.random_params(0.5, 1);
  const auto grad = [&](const Problem<double>& problem, ObjectiveTerms terms) {
    return estimate_once<double>(problem, params, batch, stream, terms).grad;
  };
  const auto of_flow = grad(flat, {1, 1});
  const auto whole = grad(normal, {1, 1});
  for (const std::uint64_t t : {0U, 100U, 5000U, 20000U}) {
    const double beta = std::min(1.0, 0.01 + static_cast<double>(t) / 10000);
    const auto annealed = grad(normal, objective_terms("annealed")(t));
    for (std::size_t i = 0; i < params.size(); ++i) {
      EXPECT_NEAR(annealed[i], of_flow[i] + beta * (whole[i] - of_flow[i]), 1e-12) << t;
    }
  }
}

// With parameters 0 the flow is the identity, and the free energy of a normal target against the
// base is -ln Z without any spread.
TEST_F(Terms, FreeEnergyOfAnExactFlowIsMinusLogZ) {
  auto options =
      default_options(*std::find_if(target_registry().begin(), target_registry().end(),
                                    [](const auto& entry) { return entry.name == "gaussian"; }),
                      InstructionSet::best());
  options.dim = 3;
  const Problem<double> problem("planar-free:2", 3, [&] {
    for (const auto& entry : target_registry()) {
      if (entry.name == "gaussian") return entry.make<double>(options);
    }
    return std::unique_ptr<Density<double>>();
  }());
  const std::vector<double> params(problem.flow->parameters().size(), 0.0);
  const double log_z = 1.5 * std::log(2 * std::numbers::pi);
  EXPECT_NEAR(value(problem, params, objective_terms("free-energy")(0)), -log_z, 1e-12);
  EXPECT_NEAR(value(problem, params, objective_terms("annealed")(20000)), -log_z, 1e-12);
}

}  // namespace
}  // namespace riffle::test
