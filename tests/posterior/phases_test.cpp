#include "posterior/phases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "posterior/affine_parameters.h"
#include "posterior/densities.h"

namespace riffle::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

FlowModel<double> model_of(const std::string& layers, std::size_t dim) {
  return make_model<double>("standard-normal", parse_flow(layers),
                            {dim, 0, InstructionSet::best()});
}

PhasedTraining train(const FlowModel<double>& model, const Density<double>& target,
                     std::vector<double> start, const PhaseOptions& options = {},
                     std::size_t threads = 1,
                     const std::function<void(const PhaseResult&)>& on_phase = {}) {
  Executor executor(threads);
  return train_in_phases(model, target, start, options, executor, InstructionSet::best(), on_phase);
}

OwnDensity some_normal(Index dim) {
  return normal_density(random_point(dim, 1, 3), random_covariance(dim, 10, 4));
}

TEST(Quality, IsThatInClosedForm) {
  // q = N(0, 1) and p = c N(m, s²) in each of two coordinates.
  const double m = 0.3;
  const double s = 0.8;
  const double log_c = 2.5;
  const OwnDensity scaled(2, [&](const VectorXd& z, VectorXd& gradient) {
    gradient = -(z.array() - m).matrix() / (s * s);
    return log_c - 0.5 * (z.array() - m).square().sum() / (s * s) - 2 * std::log(s) -
           std::log(2 * std::numbers::pi);
  });
  const auto model = model_of("affine-full", 2);
  const std::vector<double> params(model.parameters().size(), 0.0);
  Executor alone(1);
  const auto quality =
      evaluate_quality(model, scaled, params, {5, Purpose::evaluation, 0}, 400'000, alone);
  const double kl = std::log(s) + (1 + m * m) / (2 * s * s) - 0.5;
  EXPECT_NEAR(quality.elbo, log_c - 2 * kl, 5 * quality.elbo_se);
  // ln p - ln q = ½ z² (1 - 1/s²) + m z/s² + ..., whose variance is ½ (1 - 1/s²)² + m²/s⁴ each.
  const double variance = 0.5 * std::pow(1 - 1 / (s * s), 2) + m * m / std::pow(s, 4);
  EXPECT_NEAR(quality.elbo_se, std::sqrt(2 * variance / 400'000), 0.02 * quality.elbo_se);
  // E_q[(p/q)²] = exp(m²/(2 - s²)) / (s sqrt(2 - s²)) for s² < 2.
  const double second = std::exp(m * m / (2 - s * s)) / (s * std::sqrt(2 - s * s));
  EXPECT_NEAR(quality.ess_fraction, 1 / (second * second), 0.02);
  EXPECT_EQ(quality.steps, 0U);
}

TEST(Quality, DrawsWithoutNumberCountAgainstTheEfficiency) {
  const OwnDensity half(1, [](const VectorXd& z, VectorXd& gradient) {
    gradient = -z;
    return z[0] > 0 ? -0.5 * z[0] * z[0] : nan;
  });
  const auto model = model_of("affine-full", 1);
  const std::vector<double> params(2, 0.0);
  Executor alone(1);
  const RandomStream stream{5, Purpose::evaluation, 0};
  EXPECT_NEAR(evaluate_quality(model, half, params, stream, 20'000, alone).ess_fraction, 0.5, 0.02);
  const OwnDensity none(1, [](const VectorXd&, VectorXd&) { return nan; });
  const auto quality = evaluate_quality(model, none, params, stream, 1000, alone);
  EXPECT_EQ(quality.elbo, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(quality.ess_fraction, 0);
}

TEST(Phases, ReachANormalExactly) {
  for (const Index dim : {1, 5}) {
    const auto target = some_normal(dim);
    const auto model = model_of("affine-full", static_cast<std::size_t>(dim));
    // Without that end there is always more to do.
    const auto trained = train(model, target, std::vector<double>(model.parameters().size(), 0.0),
                               {.rate = 0.05, .most_phases = 20, .enough = 2, .worthwhile = 1e-9});
    EXPECT_NEAR(trained.quality.elbo, 0, 1e-4) << dim;
    EXPECT_LT(trained.quality.elbo_se, 1e-4) << dim;
    EXPECT_GT(trained.quality.ess_fraction, 0.9999) << dim;
    const auto found = normal_of(trained.params, dim);
    const auto exact = *make_normal(random_point(dim, 1, 3), random_covariance(dim, 10, 4));
    EXPECT_LT((found.mean - exact.mean).norm(), 0.01) << dim;
    EXPECT_LT((found.lower - exact.lower).norm(), 0.02) << dim;
    EXPECT_FALSE(trained.stopped);
  }
}

TEST(Phases, HalveTheRateAndNeverLoseWhatWasGained) {
  const auto target = some_normal(3);
  const auto model = model_of("affine-full", 3);
  std::vector<PhaseResult> told;
  const auto trained = train(model, target, std::vector<double>(model.parameters().size(), 0.0),
                             {.rate = 0.08, .enough = 2, .worthwhile = 1e-9}, 1,
                             [&](const PhaseResult& phase) { told.push_back(phase); });
  ASSERT_EQ(told.size(), trained.phases.size());
  ASSERT_GE(told.size(), 2U);
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < told.size(); ++k) {
    EXPECT_EQ(told[k].rate, 0.08 / std::pow(2.0, k));
    EXPECT_EQ(told[k].elbo, trained.phases[k].elbo);
    const auto before = k == 0 ? 0 : told[k - 1].steps;
    EXPECT_GE(told[k].steps - before, 200U);
    EXPECT_LE(told[k].steps - before, 1000U);
    most = std::max(most, told[k].elbo);
  }
  EXPECT_EQ(trained.quality.elbo, most);
  // The figures are those of these parameters.
  Executor alone(1);
  const auto again =
      evaluate_quality(model, target, trained.params, {1, Purpose::evaluation, 0}, 4096, alone);
  EXPECT_EQ(again.elbo, trained.quality.elbo);
}

TEST(Phases, EndWhereThereIsNothingToGain) {
  const auto target = some_normal(2);
  const auto model = model_of("affine-full", 2);
  const auto exact = *make_normal(random_point(2, 1, 3), random_covariance(2, 10, 4));
  const auto begun = train(model, target, affine_parameters(exact));
  EXPECT_TRUE(begun.phases.empty());
  EXPECT_EQ(begun.params, affine_parameters(exact));
  // Two idle phases end it, where efficiency is no reason to.
  const auto idle = train(model, target, affine_parameters(exact), {.enough = 2});
  EXPECT_EQ(idle.phases.size(), 2U);
  EXPECT_NEAR(idle.quality.elbo, 0, 1e-4);
}

TEST(Phases, FrozenParametersDoNotMove) {
  const auto target = some_normal(3);
  const auto model = model_of("affine-full:2", 3);
  const std::size_t frozen = model.parameters().size() / 2;
  std::vector<double> start(2 * frozen, 0.0);
  for (std::size_t i = frozen; i < start.size(); ++i) start[i] = 0.01 * static_cast<double>(i);
  const auto trained = train(model, target, start, {.frozen = frozen});
  ASSERT_FALSE(trained.phases.empty());
  for (std::size_t i = 0; i < frozen; ++i) EXPECT_NE(trained.params[i], start[i]) << i;
  // Averages of the same number may round.
  for (std::size_t i = frozen; i < start.size(); ++i) {
    EXPECT_NEAR(trained.params[i], start[i], 1e-15) << i;
  }
}

TEST(Phases, AreTheSameOnTwoThreads) {
  const auto target = mixture_density({{0.7, VectorXd::Zero(2), MatrixXd::Identity(2, 2)},
                                       {0.3, VectorXd::Ones(2), 3 * MatrixXd::Identity(2, 2)}});
  const auto model = model_of("iaf(hidden=8) + affine-full", 2);
  std::vector<double> start(model.parameters().size());
  model.initialise({1, Purpose::initial_values, 0}, start);
  const PhaseOptions options{.batch = 300, .most_phases = 2, .enough = 2};
  const auto one = train(model, target, start, options, 1);
  const auto two = train(model, target, start, options, 2);
  EXPECT_EQ(one.params, two.params);
  EXPECT_EQ(one.quality.elbo, two.quality.elbo);
  auto other = options;
  other.seed = 2;
  EXPECT_NE(train(model, target, start, other).params, one.params);
  other.seed = options.seed;
  other.number = 1;
  EXPECT_NE(train(model, target, start, other).params, one.params);
}

TEST(Phases, StopEndsThem) {
  const auto target = some_normal(3);
  const auto model = model_of("affine-full", 3);
  int asked = 0;
  PhaseOptions options{.enough = 2};
  options.stop = [&](std::uint64_t next) {
    EXPECT_EQ(next, options.batch + options.evaluation_draws);
    return ++asked == 101;
  };
  const std::vector<double> start(model.parameters().size(), 0.0);
  const auto trained = train(model, target, start, options);
  EXPECT_TRUE(trained.stopped);
  ASSERT_EQ(trained.phases.size(), 1U);
  EXPECT_EQ(trained.phases[0].steps, 100U);
  EXPECT_TRUE(std::isfinite(trained.quality.elbo));
  for (const double p : trained.params) EXPECT_TRUE(std::isfinite(p));
  // Before the first step there is nothing to average.
  options.stop = [](auto) { return true; };
  const auto none = train(model, target, start, options);
  EXPECT_TRUE(none.stopped);
  EXPECT_TRUE(none.phases.empty());
  EXPECT_EQ(none.params, start);
}

TEST(Phases, ASpikeOfTheGradientDoesNotThrowThemOff) {
  // Of one batch in thirty a draw has a gradient that is a million times too long, and leads away.
  const OwnDensity spiked(1, [](const VectorXd& z, VectorXd& gradient) {
    gradient = -z;
    if (z[0] > 1 && z[0] < 1.0005) gradient *= -1e6;
    return -0.5 * z.squaredNorm();
  });
  const auto model = model_of("affine-full", 1);
  const double log_z = 0.5 * std::log(2 * std::numbers::pi);
  const auto trained = train(model, spiked, {0, 2}, {.most_phases = 1, .enough = 2});
  EXPECT_NEAR(trained.quality.elbo, log_z, 0.05);
}

TEST(Phases, WarmUpBringsInTheTargetSlowly) {
  const auto target = some_normal(2);
  const auto model = model_of("affine-full", 2);
  // With no weight on ln p the entropy alone counts: q widens without end.
  PhaseOptions options{.rate = 0.05, .most_phases = 1, .enough = 2, .path = false};
  options.beta = [](std::uint64_t) { return 0.0; };
  std::vector<double> wide;
  Executor alone(1);
  const auto trained = train(model, target, std::vector<double>(5, 0.0), options);
  EXPECT_LT(trained.phases[0].elbo, -100);
  // What is worse than the start is not taken.
  EXPECT_EQ(trained.params, std::vector<double>(5, 0.0));
  std::uint64_t last = 0;
  options.beta = [&](std::uint64_t step) {
    last = step;
    return 1.0;
  };
  const auto usual = train(model, target, std::vector<double>(5, 0.0), options);
  EXPECT_EQ(last + 1, usual.phases[0].steps);
}

TEST(Phases, OfATargetWithoutNumbersKeepTheStart) {
  const OwnDensity none(2, [](const VectorXd&, VectorXd&) { return nan; });
  const auto model = model_of("affine-full", 2);
  const auto trained = train(model, none, std::vector<double>(5, 0.1));
  EXPECT_EQ(trained.params, std::vector<double>(5, 0.1));
  EXPECT_EQ(trained.quality.ess_fraction, 0);
}

}  // namespace
}  // namespace riffle::test
