#include "posterior/mixture_fit.h"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <vector>

#include "posterior/densities.h"
#include "posterior/phases.h"

namespace riffle::test {
namespace {

/// A mode that says what the component is like, but for its mass.
Mode mode_of(const NormalComponent& c, double log_mass) {
  return {*make_normal(c.mean, c.covariance), 0, log_mass, 3};
}

/// Axis-aligned components, far apart, in all of mass 1.
std::vector<NormalComponent> three() {
  return {{0.6, Eigen::Vector2d(-20, 5), Eigen::Vector2d(1, 4).asDiagonal()},
          {0.3, Eigen::Vector2d(15, 15), Eigen::Vector2d(2, 0.5).asDiagonal()},
          {0.1, Eigen::Vector2d(10, -30), Eigen::Vector2d(1, 1).asDiagonal()}};
}

TrainedModel<double> fitted(const Density<double>& target, std::span<const Mode> modes,
                            std::size_t threads = 1, std::size_t most_components = 64) {
  Executor executor(threads);
  return fit_mixture(target, modes,
                     {.seed = 3, .most_components = most_components, .set = InstructionSet::best()},
                     executor);
}

PhaseResult quality(const Density<double>& target, const TrainedModel<double>& flow) {
  Executor alone(1);
  return evaluate_quality(*flow.model, target, flow.params, {9, Purpose::evaluation, 0}, 20'000,
                          alone);
}

/// Weights, means and sds of draws by the component whose mean is nearest.
struct Shares {
  std::vector<double> weight;
  std::vector<VectorXd> mean;
  std::vector<VectorXd> sd;
};

Shares shares_of(const TrainedModel<double>& flow, const std::vector<NormalComponent>& all) {
  constexpr std::uint64_t n = 40'000;
  const auto draws = trained_flow(flow).sample(n);
  const auto dim = static_cast<Index>(draws.dim);
  std::vector<std::vector<VectorXd>> of(all.size());
  for (std::size_t s = 0; s < n; ++s) {
    const VectorXd z = Eigen::Map<const VectorXd>(&draws.z[s * draws.dim], dim);
    std::size_t nearest = 0;
    for (std::size_t k = 1; k < all.size(); ++k) {
      if ((z - all[k].mean).norm() < (z - all[nearest].mean).norm()) nearest = k;
    }
    of[nearest].push_back(z);
  }
  Shares shares;
  for (const auto& points : of) {
    const auto count = static_cast<double>(points.size());
    VectorXd mean = VectorXd::Zero(dim);
    VectorXd squares = VectorXd::Zero(dim);
    for (const auto& z : points) mean += z / count;
    for (const auto& z : points) squares += (z - mean).cwiseAbs2() / count;
    shares.weight.push_back(count / n);
    shares.mean.push_back(mean);
    shares.sd.push_back(squares.cwiseSqrt());
  }
  return shares;
}

void expect_components(const TrainedModel<double>& flow, const std::vector<NormalComponent>& all) {
  const auto shares = shares_of(flow, all);
  for (std::size_t k = 0; k < all.size(); ++k) {
    EXPECT_NEAR(shares.weight[k], all[k].weight, 0.015) << k;
    for (Index d = 0; d < 2; ++d) {
      const double sd = std::sqrt(all[k].covariance(d, d));
      EXPECT_NEAR(shares.mean[k][d], all[k].mean[d], 0.08 * sd) << k;
      EXPECT_NEAR(shares.sd[k][d], sd, 0.05 * sd) << k;
    }
  }
}

TEST(MixtureFit, KeepsWhatTheModesSayWhereThatIsRight) {
  const auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, std::log(c.weight)));
  const auto target = mixture_density(components);
  const auto flow = fitted(target, modes);
  EXPECT_EQ(flow.base, "mixture(components=3)");
  expect_components(flow, components);
  const auto result = quality(target, flow);
  EXPECT_GT(result.ess_fraction, 0.99);
  EXPECT_NEAR(result.elbo, 0, 0.01);
}

TEST(MixtureFit, MovesMassBetweenDistantModes) {
  const auto components = three();
  // Laplace's masses turned round: what is heaviest by them is the lightest.
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, -std::log(c.weight)));
  const auto target = mixture_density(components);
  const auto flow = fitted(target, modes);
  expect_components(flow, components);
  EXPECT_GT(quality(target, flow).ess_fraction, 0.99);
}

TEST(MixtureFit, MovesAndWidensComponents) {
  const auto components = three();
  std::vector<Mode> modes;
  for (auto c : components) {
    c.mean += Eigen::Vector2d(0.7, -0.7);
    c.covariance *= 1.8;
    modes.push_back(mode_of(c, std::log(c.weight)));
  }
  const auto target = mixture_density(components);
  const auto flow = fitted(target, modes);
  expect_components(flow, components);
  EXPECT_GT(quality(target, flow).ess_fraction, 0.97);
}

TEST(MixtureFit, AComponentWithNothingBelowItKeepsItsPlace) {
  auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, std::log(c.weight)));
  // Nothing is there, whatever the search said.
  modes.push_back(mode_of({0, Eigen::Vector2d(60, 60), MatrixXd::Identity(2, 2)}, std::log(0.3)));
  const auto target = mixture_density(components);
  const auto flow = fitted(target, modes);
  for (const double p : flow.params) EXPECT_TRUE(std::isfinite(p));
  const auto result = quality(target, flow);
  EXPECT_GT(result.ess_fraction, 0.98);
  expect_components(flow, components);
}

TEST(MixtureFit, AComponentThatFewDrawsBelongToStaysAsItWas) {
  const auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, std::log(c.weight)));
  // Some eight of 8192 draws, in the far tail of the first component.
  const VectorXd tail = components[0].mean + Eigen::Vector2d(7, 0);
  modes.push_back(mode_of({0, tail, MatrixXd::Identity(2, 2)}, -7));
  const auto target = mixture_density(components);
  Executor alone(1);
  const auto fit_in = [&](std::size_t rounds) {
    return fit_mixture(target, modes, {.rounds = rounds, .set = InstructionSet::best()}, alone);
  };
  const auto before = fit_in(0).params;
  const auto after = fit_in(4).params;
  // affine-full: 5; logarithms of weights: 4; means: 4 of 2; logarithms of sds: 4 of 2.
  for (const std::size_t i : {15U, 16U, 23U, 24U}) EXPECT_EQ(after[i], before[i]) << i;
  EXPECT_NE(after[9], before[9]);
  EXPECT_LT(after[8], before[8] - 3);
}

TEST(MixtureFit, TakesNoMoreThanTheHeaviestComponents) {
  const auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, std::log(c.weight)));
  const auto flow = fitted(mixture_density(components), modes, 1, 2);
  EXPECT_EQ(flow.base, "mixture(components=2)");
  const auto shares = shares_of(flow, components);
  EXPECT_NEAR(shares.weight[0], 2.0 / 3, 0.02);
  EXPECT_EQ(shares.weight[2], 0);
}

TEST(MixtureFit, IsTheSameOnTwoThreads) {
  const auto components = three();
  std::vector<Mode> modes;
  for (const auto& c : components) modes.push_back(mode_of(c, 0));
  const auto target = mixture_density(components);
  EXPECT_EQ(fitted(target, modes, 1).params, fitted(target, modes, 2).params);
}

TEST(MixtureFit, OfATargetWithoutNumbersIsThatOfTheModes) {
  const OwnDensity target(
      2, [](const VectorXd&, VectorXd&) { return std::numeric_limits<double>::quiet_NaN(); });
  std::vector<Mode> modes;
  for (const auto& c : three()) modes.push_back(mode_of(c, std::log(c.weight)));
  const auto flow = fitted(target, modes);
  for (const double p : flow.params) EXPECT_TRUE(std::isfinite(p));
  EXPECT_NEAR(shares_of(flow, three()).weight[0], 0.6, 0.02);
}

}  // namespace
}  // namespace riffle::test
