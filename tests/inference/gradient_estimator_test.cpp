#include "inference/gradient_estimator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "inference/estimator_setup.h"
#include "support/failures.h"
#include "support/flow_text.h"
#include "support/mutation.h"

namespace riffle::test {
namespace {

constexpr RandomStream stream_of(std::uint64_t seed, std::uint64_t step = 3) {
  return {seed, Purpose::training, step};
}

template <class T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

/// What an estimator can meet that is cheap: short and long runs of one layer, several kinds,
/// layers of layers. For all the others see every_flow.
std::vector<std::string> flow_texts() {
  return {"planar",
          "planar:3",
          "planar-free",
          "planar-free:3",
          "inverse(planar):2",
          "planar:2 + planar-free:2",
          "compose(planar + planar-free):2"};
}

/// All objectives whose gradient is that of their value for each set of draws, those that change
/// with time in the midst of their change. For the others see path_gradient_test.cpp.
std::vector<ObjectiveTerms> all_terms() {
  std::vector<ObjectiveTerms> all;
  for (const auto& entry : objective_registry()) {
    const auto terms = objective_terms(entry.name)(2500);
    if (!terms.path) all.push_back(terms);
  }
  return all;
}

// ------------------------------------------------------------------------------------------------
// Against finite differences

/// Returns the value at params, and the claimed gradient of it.
using Function = std::function<double(std::span<const double> params, std::span<double> grad)>;

/// A claimed gradient against central differences of fourth order. The step is halved, and that
/// difference is taken which changed least; a difference that never settles is a failure too.
Failures check_gradient(const Function& f, std::span<const double> at) {
  Failures failures;
  std::vector<double> params(at.begin(), at.end());
  std::vector<double> grad(at.size());
  std::vector<double> unused(at.size());
  const double here = f(params, grad);
  const double rounding = 1e-9 * (1 + std::abs(here));
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto along = [&](double step) {
      params[i] = at[i] + step;
      const double value = f(params, unused);
      params[i] = at[i];
      return value;
    };
    double best = 0;
    double least_change = std::numeric_limits<double>::infinity();
    double before = std::numeric_limits<double>::quiet_NaN();
    for (int halvings = 6; halvings <= 14; ++halvings) {
      const double h = std::ldexp(std::max(1.0, std::abs(at[i])), -halvings);
      const double slope = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h);
      const double change = std::abs(slope - before);
      if (change < least_change) {
        least_change = change;
        best = slope;
      }
      if (least_change < 1e-9 * std::abs(best)) break;
      before = slope;
    }
    if (!(least_change <= 1e-5 * std::abs(best) + rounding)) {
      failures.push_back(
          fmt::format("[{}]: differences do not settle: {} ± {}", i, best, least_change));
    } else if (!(std::abs(grad[i] - best) <= 8 * least_change + rounding)) {
      failures.push_back(fmt::format("[{}]: gradient {}, differences {}", i, grad[i], best));
    }
  }
  return failures;
}

Function objective_of(GradientEstimator<double>& estimator, ObjectiveTerms terms) {
  return [&estimator, terms](std::span<const double> params, std::span<double> grad) {
    return estimator.estimate(params, stream_of(11), terms, grad).value;
  };
}

class GradientTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(GradientTest, IsThatOfTheValue) {
  const std::size_t dim = GetParam();
  const auto set = InstructionSet::best();
  Executor executor(1);
  std::size_t checked = 0;
  for (const auto& text : flow_texts()) {
    for (const auto& entry : target_registry()) {
      auto density = make_density<double>(entry, dim, set);
      if (!density) continue;
      const Problem<double> problem(text, dim, std::move(density), set);
      for (const double scale : {0.3, 1.0, 3.0}) {
        const auto params = problem.random_params(scale, 5);
        GradientEstimator<double> estimator(problem.model, *problem.target, 11, executor, set);
        for (const auto terms : all_terms()) {
          const auto failures = check_gradient(objective_of(estimator, terms), params);
          EXPECT_TRUE(none(failures)) << text << ", " << entry.name << ", parameters of size "
                                      << scale << ", beta " << terms.beta;
          ++checked;
        }
      }
    }
  }
  EXPECT_GE(checked, 5 * 3 * all_terms().size());
}

INSTANTIATE_TEST_SUITE_P(Dimensions, GradientTest, ::testing::Values(1, 2, 3, 8));

// Each layer in a run, with another behind it; and a gate, as the checks are to find in each of
// them what is wrong.
TEST(GradientOfEveryLayer, IsThatOfTheValue) {
  Executor executor(1);
  for (const std::size_t dim : {1U, 2U, 3U}) {
    for (const auto& text : every_flow(dim)) {
      const Problem<double> problem(text, dim, "gaussian");
      const auto params = problem.random_params(0.4, 5);
      GradientEstimator<double> estimator(problem.model, *problem.target, 11, executor,
                                          problem.set);
      const auto f = objective_of(estimator, {1, 0.4});
      EXPECT_TRUE(none(check_gradient(f, params))) << text << " in dimension " << dim;
      const auto scaled = [&](std::span<const double> at, std::span<double> grad) {
        const double value = f(at, grad);
        mutate(Mutation::scaled, grad);
        return value;
      };
      EXPECT_FALSE(check_gradient(scaled, params).empty()) << text << " in dimension " << dim;
    }
  }
}

TEST(GradientOfManyTiles, IsThatOfTheValue) {
  const Problem<double> problem("planar:2+planar-free:2", 3, "gaussian");
  Executor executor(2);
  GradientEstimator<double> estimator(problem.model, *problem.target, 300, executor, problem.set);
  const auto params = problem.random_params(0.7, 8);
  EXPECT_TRUE(none(check_gradient(objective_of(estimator, {1, 0.4}), params)));
}

// Through the draws and through their density, for bases whose draws are functions of the
// parameters.
TEST(GradientOfBases, IsThatOfTheValue) {
  Executor executor(1);
  for (const auto& entry : base_registry()) {
    if (entry.implicit) continue;
    for (const std::size_t dim : {1U, 2U, 3U}) {
      for (const auto* flow : {"planar", "planar:2 + inverse(planar)"}) {
        const Problem<double> problem(flow, dim, "gaussian", InstructionSet::best(), entry.name);
        for (const double scale : {0.2, 0.6}) {
          const auto params = problem.random_params(scale, 9);
          GradientEstimator<double> estimator(problem.model, *problem.target, 11, executor,
                                              problem.set);
          for (const auto terms : all_terms()) {
            if (terms.base_weight == 0) continue;
            EXPECT_TRUE(none(check_gradient(objective_of(estimator, terms), params)))
                << entry.name << " and " << flow << " in dimension " << dim << ", scale " << scale;
          }
        }
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------
// The mutation gate of check_gradient

/// A target whose gradient is wrong.
class WrongTarget final : public Density<double> {
 public:
  WrongTarget(std::unique_ptr<Density<double>> target, Mutation mutation, bool across_samples)
      : Density<double>(target->dim()),
        target_(std::move(target)),
        mutation_(mutation),
        across_samples_(across_samples) {}

 private:
  void evaluate_impl(Tile<const double> z, double* log_density, Tile<double> g) const override {
    target_->evaluate(z, log_density, g);
    if (across_samples_) {
      for (std::size_t d = 0; d < g.dim(); ++d) mutate<double>(mutation_, {g.row(d), g.count()});
      return;
    }
    for (std::size_t s = 0; s < g.count(); ++s) {
      std::vector<double> column;
      for (std::size_t d = 0; d < g.dim(); ++d) column.push_back(g(d, s));
      mutate<double>(mutation_, column);
      for (std::size_t d = 0; d < g.dim(); ++d) g(d, s) = column[d];
    }
  }

  std::unique_ptr<Density<double>> target_;
  Mutation mutation_;
  bool across_samples_;
};

class GradientMutationTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  static constexpr std::size_t batch = 20;
  const std::size_t dim_ = GetParam();
  Executor executor_{1};

  Failures check(const Problem<double>& problem, std::span<const double> params,
                 ObjectiveTerms terms, const std::function<void(std::span<double>)>& spoil = {}) {
    GradientEstimator<double> estimator(problem.model, *problem.target, batch, executor_,
                                        problem.set);
    const auto f = objective_of(estimator, terms);
    return check_gradient(
        [&](std::span<const double> at, std::span<double> grad) {
          const double value = f(at, grad);
          if (spoil) spoil(grad);
          return value;
        },
        params);
  }
};

TEST_P(GradientMutationTest, WrongTargetsFail) {
  for (const auto& text : flow_texts()) {
    const auto params = Problem<double>(text, dim_, "gaussian").random_params(0.6, 17);
    for (const auto mutation : mutations) {
      for (const bool across_samples : {false, true}) {
        if (dim_ == 1 && !across_samples && mutation == Mutation::permuted) continue;
        const Problem<double> wrong(
            text, dim_,
            std::make_unique<WrongTarget>(
                make_density<double>("gaussian", dim_, InstructionSet::best()), mutation,
                across_samples));
        for (const auto terms : all_terms()) {
          EXPECT_FALSE(check(wrong, params, terms).empty())
              << text << ", gradient of the target " << name_of(mutation);
        }
      }
    }
  }
}

TEST_P(GradientMutationTest, WrongGradientsFail) {
  for (const auto& text : flow_texts()) {
    const Problem<double> problem(text, dim_, "gaussian");
    const auto params = problem.random_params(0.6, 17);
    EXPECT_TRUE(none(check(problem, params, {1, 1})));
    const auto fails = [&](const std::function<void(std::span<double>)>& spoil,
                           std::string_view what) {
      EXPECT_FALSE(check(problem, params, {1, 1}, spoil).empty()) << text << ": " << what;
    };
    for (const auto mutation : mutations) {
      fails([&](std::span<double> grad) { mutate(mutation, grad); }, name_of(mutation));
      for (const auto& view : problem.flow->parameters().views()) {
        if (view.size() == 1 && mutation == Mutation::permuted) continue;
        fails(
            [&](std::span<double> grad) {
              mutate(mutation, grad.subspan(view.offset, view.size()));
            },
            fmt::format("{} {}", view.name, name_of(mutation)));
      }
    }
  }
}

TEST_P(GradientMutationTest, GradientsOfAnotherObjectiveFail) {
  for (const auto& text : flow_texts()) {
    const Problem<double> problem(text, dim_, "gaussian");
    const auto params = problem.random_params(0.6, 17);
    GradientEstimator<double> estimator(problem.model, *problem.target, batch, executor_,
                                        problem.set);
    for (const double factor : {-1.0, 0.0, 1.001}) {
      const auto failures = check_gradient(
          [&](std::span<const double> at, std::span<double> grad) {
            const double value = estimator.estimate(at, stream_of(2), {1, 0.5}, grad).value;
            estimator.estimate(at, stream_of(2), {1, factor * 0.5}, grad);
            return value;
          },
          params);
      EXPECT_FALSE(failures.empty()) << text << ", beta times " << factor;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dimensions, GradientMutationTest, ::testing::Values(1, 2, 3));

// ------------------------------------------------------------------------------------------------
// Against a computation without tiles; threads; instruction sets

template <class T>
constexpr double accuracy = std::is_same_v<T, float> ? 2e-5 : 1e-13;

template <class T>
Failures compare(const Outcome<T>& got, const Reference& expected, double tolerance) {
  Failures failures;
  if (got.estimate.invalid != expected.invalid) {
    failures.push_back(
        fmt::format("{} invalid instead of {}", got.estimate.invalid, expected.invalid));
  }
  if (got.blame != expected.blame) failures.push_back("other blame");
  if (expected.invalid < expected.valid.size() &&
      !(std::abs(got.estimate.value - expected.value) <= tolerance * (1 + expected.value_size))) {
    failures.push_back(fmt::format("value {} instead of {}", got.estimate.value, expected.value));
  }
  for (std::size_t i = 0; i < got.grad.size(); ++i) {
    const auto g = static_cast<double>(got.grad[i]);
    if (!(std::abs(g - expected.grad[i]) <= tolerance * (expected.grad_size[i] + 1e-30))) {
      failures.push_back(fmt::format("[{}]: gradient {} instead of {}", i, g, expected.grad[i]));
    }
  }
  return failures;
}

template <class T>
class EstimatorTest : public ::testing::Test {};

using Precisions = ::testing::Types<float, double>;
struct PrecisionName {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, float> ? "float" : "double";
  }
};
TYPED_TEST_SUITE(EstimatorTest, Precisions, PrecisionName);

TYPED_TEST(EstimatorTest, EqualsAStraightforwardComputationOnEveryInstructionSet) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    for (const auto& text : flow_texts()) {
      for (const std::size_t dim : {1U, 2U, 3U, 8U}) {
        const Problem<T> problem(text, dim, dim == 2 ? "U1" : "gaussian", set);
        ASSERT_TRUE(problem.target);
        const auto params = problem.random_params(0.4, dim);
        for (const std::size_t batch : {1U, 7U, 128U, 150U}) {
          const auto expected =
              reference_estimate<T>(problem, params, batch, stream_of(4), {0.7, 0.3});
          const auto got = estimate_once<T>(problem, params, batch, stream_of(4), {0.7, 0.3});
          EXPECT_TRUE(none(compare(got, expected, accuracy<T>)))
              << set.name() << ", " << text << ", dimension " << dim << ", batch " << batch;
        }
      }
    }
  }
}

TYPED_TEST(EstimatorTest, EqualsAStraightforwardComputationForEveryLayer) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    for (const std::size_t dim : {1U, 3U}) {
      const auto all = every_layer(dim);
      auto texts = every_flow(dim);
      texts.push_back(all);
      for (const auto& text : texts) {
        const Problem<T> problem(text, dim, "gaussian", set);
        // What rounding does in one layer, many others take up.
        const double tolerance = (text == all ? 8 : 1) * accuracy<T>;
        const auto params = problem.random_params(0.3, dim);
        for (const std::size_t batch : {7U, 150U}) {
          const auto expected =
              reference_estimate<T>(problem, params, batch, stream_of(4), {0.7, 0.3});
          const auto got = estimate_once<T>(problem, params, batch, stream_of(4), {0.7, 0.3});
          EXPECT_TRUE(none(compare(got, expected, tolerance)))
              << set.name() << ", " << text << ", dimension " << dim << ", batch " << batch;
        }
      }
    }
  }
}

TYPED_TEST(EstimatorTest, InstructionSetsAgreeWithScalar) {
  using T = TypeParam;
  // Draws differ by the rounding of logarithm and cosine, so this is looser than the reference.
  const double tolerance = std::is_same_v<T, float> ? 2e-4 : 1e-12;
  for (const auto& text : flow_texts()) {
    for (const std::size_t dim : {1U, 2U, 3U, 8U}) {
      const std::string_view target = dim == 2 ? "crescents" : "gaussian";
      const Problem<T> scalar(text, dim, target, InstructionSet::scalar());
      const auto params = scalar.random_params(0.4, dim);
      const auto expected = reference_estimate<T>(scalar, params, 150, stream_of(9), {1, 0.3});
      for (const auto set : InstructionSet::available()) {
        const Problem<T> problem(text, dim, target, set);
        const auto got = estimate_once<T>(problem, params, 150, stream_of(9), {1, 0.3});
        EXPECT_TRUE(none(compare(got, expected, tolerance)))
            << set.name() << ", " << text << ", dimension " << dim;
      }
    }
  }
}

TYPED_TEST(EstimatorTest, ThreadsChangeNoBit) {
  using T = TypeParam;
  const auto check = [](const Problem<T>& problem, std::span<const T> params) {
    for (const std::size_t batch : {1U, 40U, 127U, 128U, 129U, 10000U}) {
      const auto one = estimate_once<T>(problem, params, batch, stream_of(6), {1, 0.9});
      for (const std::size_t threads : {1U, 2U, 4U, 8U}) {
        const auto many = estimate_once<T>(problem, params, batch, stream_of(6), {1, 0.9}, threads);
        EXPECT_TRUE(same_bits<double>({&one.estimate.value, 1}, {&many.estimate.value, 1}))
            << batch << ", " << threads;
        EXPECT_EQ(one.estimate.invalid, many.estimate.invalid) << batch << ", " << threads;
        EXPECT_EQ(one.blame, many.blame) << batch << ", " << threads;
        EXPECT_TRUE(same_bits<T>(one.grad, many.grad)) << batch << ", " << threads;
      }
    }
  };
  const Problem<T> waves("planar:2+planar-free:2", 2, "U2");
  check(waves, waves.random_params(0.5, 1));
  const Problem<T> every(every_layer(2), 2, "U2");
  check(every, every.random_params(0.2, 1));
  const Problem<T> faulty("planar:3", 3, std::make_unique<FaultyNormal<T>>(3, Fault::nan, 1.5));
  check(faulty, faulty.random_params(0.5, 1));
}

TYPED_TEST(EstimatorTest, AnEstimateDependsOnItsArgumentsAlone) {
  using T = TypeParam;
  const Problem<T> problem("planar:2", 2,
                           std::make_unique<FaultyNormal<T>>(2, Fault::plus_infinity, 0.3));
  const auto params = problem.random_params(0.5, 1);
  const auto others = problem.random_params(2.0, 2);
  Executor executor(1);
  GradientEstimator<T> used(problem.model, *problem.target, 200, executor, problem.set);
  std::vector<T> grad(params.size());
  used.estimate(others, stream_of(1), {0, 1}, grad);
  used.estimate(others, stream_of(2), {}, grad);
  const auto again = used.estimate(params, stream_of(3), {1, 0.5}, grad);
  const auto fresh = estimate_once<T>(problem, params, 200, stream_of(3), {1, 0.5});
  EXPECT_EQ(again.value, fresh.estimate.value);
  EXPECT_EQ(again.invalid, fresh.estimate.invalid);
  EXPECT_TRUE(same_bits<T>(grad, fresh.grad));
  const auto other_seed = estimate_once<T>(problem, params, 200, stream_of(4), {1, 0.5});
  EXPECT_NE(again.value, other_seed.estimate.value);
  const auto other_step = estimate_once<T>(problem, params, 200, stream_of(3, 4), {1, 0.5});
  EXPECT_NE(again.value, other_step.estimate.value);
}

TYPED_TEST(EstimatorTest, WhatLiesBehindTheParametersIsZeroed) {
  using T = TypeParam;
  const Problem<T> problem("planar:1", 2, "gaussian");
  const auto exact = problem.random_params(0.5, 1);
  for (const std::size_t batch : {50U, 300U}) {
    auto params = exact;
    params.resize(16, T(7));
    std::vector<T> grad(16, std::numeric_limits<T>::quiet_NaN());
    Executor executor(1);
    GradientEstimator<T> estimator(problem.model, *problem.target, batch, executor, problem.set);
    estimator.estimate(params, stream_of(1), {}, grad);
    for (std::size_t i = exact.size(); i < grad.size(); ++i) EXPECT_EQ(grad[i], T(0));
    const auto plain = estimate_once<T>(problem, exact, batch, stream_of(1), {1, 1});
    EXPECT_TRUE(same_bits<T>(plain.grad, std::span<const T>(grad).first(exact.size())));
  }
}

// ------------------------------------------------------------------------------------------------
// Invalid draws

TYPED_TEST(EstimatorTest, InvalidDrawsAreLeftOutAndBlamedOnTheTarget) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    for (const auto fault : faults) {
      for (const std::size_t dim : {1U, 3U}) {
        const Problem<T> problem("planar:2", dim,
                                 std::make_unique<FaultyNormal<T>>(dim, fault, 0.5), set);
        const auto params = problem.random_params(0.4, 3);
        for (const std::size_t batch : {40U, 129U, 300U}) {
          const auto expected =
              reference_estimate<T>(problem, params, batch, stream_of(8), {1, 0.6});
          ASSERT_GT(expected.invalid, 0u);
          ASSERT_LT(expected.invalid, batch);
          const auto got = estimate_once<T>(problem, params, batch, stream_of(8), {1, 0.6}, 2);
          EXPECT_TRUE(none(compare(got, expected, accuracy<T>)))
              << set.name() << ", fault " << static_cast<int>(fault) << ", dimension " << dim
              << ", batch " << batch;
          EXPECT_EQ(got.blame.back(), got.estimate.invalid);
        }
      }
    }
  }
}

/// Counts the points that it is asked for.
template <class T>
class CountingNormal final : public Density<T> {
 public:
  explicit CountingNormal(Fault fault) : Density<T>(2), normal_(2, fault, 0.5) {}
  std::size_t points() const { return points_; }

 private:
  void evaluate_impl(Tile<const T> z, T* log_density, Tile<T> gradient) const override {
    points_ += z.count();
    normal_.evaluate(z, log_density, gradient);
  }

  FaultyNormal<T> normal_;
  mutable std::size_t points_ = 0;
};

TYPED_TEST(EstimatorTest, EachPointIsEvaluatedOnceWhereSomeFailToo) {
  using T = TypeParam;
  for (const auto fault : faults) {
    for (const bool path : {false, true}) {
      const Problem<T> problem("planar:2", 2, std::make_unique<CountingNormal<T>>(fault));
      const auto& target = static_cast<const CountingNormal<T>&>(*problem.target);
      const auto got = estimate_once<T>(problem, problem.random_params(0.4, 3), 300, stream_of(8),
                                        {1, 0.6, path});
      EXPECT_GT(got.estimate.invalid, 0u);
      EXPECT_LT(got.estimate.invalid, 300u);
      EXPECT_EQ(target.points(), 300u) << static_cast<int>(fault) << ", path " << path;
      for (const T g : got.grad) EXPECT_TRUE(std::isfinite(g));
    }
  }
}

TYPED_TEST(EstimatorTest, ATileMayBeInvalidAsAWhole) {
  using T = TypeParam;
  const Problem<T> problem("planar:2", 2, std::make_unique<FaultyNormal<T>>(2, Fault::nan, 0.0));
  const auto params = problem.random_params(0.1, 3);
  std::size_t whole_tiles = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto expected = reference_estimate<T>(problem, params, 129, stream_of(seed), {1, 1});
    whole_tiles += expected.valid[128] ? 0 : 1;
    const auto got = estimate_once<T>(problem, params, 129, stream_of(seed), {1, 1});
    EXPECT_TRUE(none(compare(got, expected, accuracy<T>))) << seed;
  }
  EXPECT_GT(whole_tiles, 0u);
  EXPECT_LT(whole_tiles, 10u);
}

TYPED_TEST(EstimatorTest, WithoutAValidDrawTheGradientIsZero) {
  using T = TypeParam;
  for (const auto fault : faults) {
    for (const std::size_t batch : {1U, 40U, 300U}) {
      const Problem<T> problem("planar:2", 2,
                               std::make_unique<FaultyNormal<T>>(2, fault, -1e30, true));
      const auto got =
          estimate_once<T>(problem, problem.random_params(0.5, 1), batch, stream_of(1), {1, 1});
      EXPECT_EQ(got.estimate.invalid, batch);
      EXPECT_EQ(got.blame, (std::vector<std::uint64_t>{0, 0, batch}));
      for (const T g : got.grad) EXPECT_EQ(g, T(0));
    }
  }
}

TYPED_TEST(EstimatorTest, OverflowIsBlamedOnItsLayer) {
  using T = TypeParam;
  const auto params = overflowing_params<T>();
  for (const auto set : InstructionSet::available()) {
    const Problem<T> problem("planar-free:3", 1, std::make_unique<HeavyTail<T>>(), set);
    for (const std::size_t batch : {8U, 128U, 300U}) {
      const auto expected = reference_estimate<T>(problem, params, batch, stream_of(8), {1, 1});
      ASSERT_GT(expected.invalid, 0u);
      ASSERT_LT(expected.invalid, batch);
      const auto got = estimate_once<T>(problem, params, batch, stream_of(8), {1, 1});
      EXPECT_TRUE(none(compare(got, expected, accuracy<T>))) << set.name() << ", batch " << batch;
      EXPECT_EQ(got.blame, (std::vector<std::uint64_t>{0, got.estimate.invalid, 0, 0}));
    }
  }
}

TYPED_TEST(EstimatorTest, OverflowIsSeenWhateverTheTargetMakesOfIt) {
  using T = TypeParam;
  const auto params = overflowing_params<T>();
  for (const auto set : InstructionSet::available()) {
    const Problem<T> problem("planar-free:3", 1, std::make_unique<HeavyTail<T>>(true), set);
    const auto expected = reference_estimate<T>(problem, params, 300, stream_of(8), {1, 1});
    const auto got = estimate_once<T>(problem, params, 300, stream_of(8), {1, 1});
    EXPECT_EQ(got.estimate.invalid, expected.invalid) << set.name();
    EXPECT_EQ(got.blame, expected.blame) << set.name();
    for (const T g : got.grad) EXPECT_TRUE(std::isfinite(g)) << set.name();
  }
}

TYPED_TEST(EstimatorTest, ALayerThatFailsEverywhereIsBlamedForAll) {
  using T = TypeParam;
  for (const auto& entry : flow_registry()) {
    for (std::size_t broken = 0; broken < 3; ++broken) {
      if (entry.of_layers) continue;
      const Problem<T> problem(fmt::format("{}:3", entry.name), 2, "gaussian");
      if (problem.flow->layer(broken).parameters().size() == 0) continue;
      auto params = problem.random_params(0.3, 1);
      for (T& p : problem.flow->part(std::span<T>(params), broken)) {
        p = std::numeric_limits<T>::quiet_NaN();
      }
      const auto got = estimate_once<T>(problem, params, 140, stream_of(1), {1, 1});
      std::vector<std::uint64_t> blame(4, 0);
      blame[broken] = 140;
      EXPECT_EQ(got.blame, blame) << entry.name;
      EXPECT_EQ(got.estimate.invalid, 140u);
      for (const T g : got.grad) EXPECT_EQ(g, T(0));
    }
  }
}

TYPED_TEST(EstimatorTest, BlameAddsUpOverEstimates) {
  using T = TypeParam;
  const Problem<T> problem("planar:2", 2, std::make_unique<FaultyNormal<T>>(2, Fault::nan, 0.2));
  const auto params = problem.random_params(0.3, 1);
  Executor executor(2);
  GradientEstimator<T> estimator(problem.model, *problem.target, 300, executor, problem.set);
  EXPECT_EQ(estimator.blame(), (std::vector<std::uint64_t>{0, 0, 0}));
  std::vector<T> grad(params.size());
  std::uint64_t invalid = 0;
  for (std::uint64_t step = 0; step < 5; ++step) {
    invalid += estimator.estimate(params, stream_of(1, step), {}, grad).invalid;
    EXPECT_EQ(estimator.blame(), (std::vector<std::uint64_t>{0, 0, invalid}));
  }
  EXPECT_GT(invalid, 0u);
}

TYPED_TEST(EstimatorTest, PaddingOfTheTargetDoesNotLeak) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    for (const double edge : {0.5, 1e30}) {
      for (const std::size_t dim : {1U, 2U, 3U}) {
        const auto faulty = [&](bool poison) {
          return std::make_unique<FaultyNormal<T>>(dim, Fault::nan, edge, poison);
        };
        const Problem<T> clean("planar:2", dim, faulty(false), set);
        const Problem<T> poisoned("planar:2", dim, faulty(true), set);
        const auto params = clean.random_params(0.4, 3);
        for (const std::size_t batch : {1U, 3U, 9U, 17U, 127U, 131U}) {
          const auto a = estimate_once<T>(clean, params, batch, stream_of(5), {1, 1});
          const auto b = estimate_once<T>(poisoned, params, batch, stream_of(5), {1, 1});
          if (a.estimate.invalid < batch) {
            EXPECT_EQ(a.estimate.value, b.estimate.value);
          }
          EXPECT_EQ(a.estimate.invalid, b.estimate.invalid);
          EXPECT_TRUE(same_bits<T>(a.grad, b.grad)) << set.name() << ", batch " << batch;
        }
      }
    }
  }
}

// A draw that only fills up the lanes may be one that the flow cannot take.
TYPED_TEST(EstimatorTest, PaddingOfTheFlowDoesNotLeak) {
  using T = TypeParam;
  const auto params = overflowing_params<T>();
  for (const auto set : InstructionSet::available()) {
    const Problem<T> problem("planar-free:3", 1, std::make_unique<HeavyTail<T>>(), set);
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      for (const std::size_t batch : {1U, 2U, 3U, 129U}) {
        const auto expected =
            reference_estimate<T>(problem, params, batch, stream_of(seed), {1, 1});
        const auto got = estimate_once<T>(problem, params, batch, stream_of(seed), {1, 1});
        ASSERT_TRUE(none(compare(got, expected, accuracy<T>)))
            << set.name() << ", seed " << seed << ", batch " << batch;
      }
    }
  }
}

}  // namespace
}  // namespace riffle::test
