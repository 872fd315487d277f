#include "diagnostics/defensive_mixture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/log_density.h"
#include "posterior/densities.h"

namespace riffle::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

FlowModel<double> model_of(const std::string& layers, std::size_t dim,
                           const std::string& base = "standard-normal") {
  return make_model<double>(base, parse_flow(layers), {dim, 0, InstructionSet::best()});
}

/// Numbers that take a flow far from the identity.
std::vector<double> params_of(const FlowModel<double>& model) {
  std::vector<double> params(model.parameters().size());
  model.initialise({3, Purpose::initial_values, 0}, params);
  for (std::size_t i = 0; i < params.size(); ++i) {
    params[i] += 0.5 * std::sin(2.3 * static_cast<double>(i) + 1);
  }
  return params;
}

OwnDensity density(std::size_t dim, std::function<double(const VectorXd&)> log_p) {
  return OwnDensity(dim, [log_p](const VectorXd& z, VectorXd&) { return log_p(z); });
}

double log_normal(double x, double mean, double sd) {
  const double u = (x - mean) / sd;
  return -0.5 * u * u - std::log(sd) - 0.5 * std::log(2 * std::numbers::pi);
}

struct Look {
  Draws own;
  DefensiveDraws all;

  Evidence alone() const {
    const auto i = importance(log_weights(own.log_p, own.log_q));
    return {i.log_z, i.log_z_se};
  }
};

Look look(const FlowModel<double>& model, const Density<double>& target,
          std::span<const double> params, std::uint64_t own, std::uint64_t wider,
          std::size_t threads = 1) {
  Executor executor(threads);
  const RandomStream stream{11, Purpose::assessment, 2};
  auto drawn = draw<double>(model, &target, params, stream, 0, own, executor);
  auto all = add_defensive_draws(model, target, params, drawn, stream, wider, executor);
  return {std::move(drawn), std::move(all)};
}

struct Mean {
  double n = 0;
  double sum = 0;
  double squares = 0;

  void add(double x) {
    ++n;
    sum += x;
    squares += x * x;
  }
  double value() const { return sum / n; }
  double error() const { return std::sqrt((squares / n - value() * value()) / n); }
};

TEST(Reach, DensitiesAreThoseOfTheDraws) {
  const std::size_t dim = 3;
  const auto model = model_of("iaf(hidden=8):2 + affine-full", dim);
  const auto params = params_of(model);
  const auto target = density(dim, [](const VectorXd& z) { return z.sum(); });
  const std::size_t own = 50'000;
  const std::size_t wider = 80'000;
  const auto [drawn, all] = look(model, target, params, own, wider);
  ASSERT_EQ(all.wider, wider);
  ASSERT_EQ(all.draws.z.size(), (own + wider) * dim);

  Executor alone(1);
  const auto log_q = log_density_at<double>(model, params, all.draws.z, alone);
  const double share = static_cast<double>(wider) / static_cast<double>(own + wider);
  Mean q_r;
  Mean q_m;
  for (std::size_t i = 0; i < own + wider; ++i) {
    const double ratio = std::exp(all.log_q_m[i]);
    const double z_sum = all.draws.z[i * dim] + all.draws.z[i * dim + 1] + all.draws.z[i * dim + 2];
    ASSERT_NEAR(all.draws.log_p[i], z_sum, 1e-9 * (1 + std::abs(z_sum)));
    ASSERT_NEAR(all.draws.log_q[i] + all.log_q_m[i], log_q[i], 1e-6 * (1 + std::abs(log_q[i])));
    q_m.add(ratio);
    if (i >= own) q_r.add(share / (1 / ratio - (1 - share)));
  }
  // The integrals of q over places of r, and of m. Any other density of r would make them others.
  EXPECT_NEAR(q_r.value(), 1, 4 * q_r.error());
  EXPECT_LT(q_r.error(), 0.005);
  EXPECT_NEAR(q_m.value(), 1, 4 * q_m.error());
  EXPECT_LT(q_m.error(), 0.002);
}

TEST(Reach, EachCoordinateOfTheBaseIsStretchedInTurn) {
  const std::size_t dim = 4;
  const auto model = model_of("affine", dim);
  const std::vector<double> params(model.parameters().size(), 0.0);
  const auto target = density(dim, [](const VectorXd&) { return 0.0; });
  const std::size_t own = 1'000;
  const auto [drawn, all] = look(model, target, params, own, 40'000);
  EXPECT_NE(all.draws.z[own * dim + 1], drawn.z[1]);  // not the same numbers, stretched
  for (std::size_t d = 0; d < dim; ++d) {
    Mean squares;
    for (std::size_t i = own; i < own + all.wider; ++i) {
      squares.add(std::pow(all.draws.z[i * dim + d], 2));
    }
    EXPECT_NEAR(squares.value(), 3.0 / 4 + 9.0 / 4, 5 * squares.error()) << d;
  }
}

TEST(Reach, IsExactForAMultipleOfQ) {
  const std::size_t dim = 2;
  const auto model = model_of("affine", dim);
  const std::vector<double> params(model.parameters().size(), 0.0);
  const auto target = density(
      dim, [](const VectorXd& z) { return 5 + log_normal(z[0], 0, 1) + log_normal(z[1], 0, 1); });
  const auto found = evidence(look(model, target, params, 4'000, 1'000).all);
  EXPECT_NEAR(found.log_z, 5, 1e-12);
  EXPECT_LT(found.log_z_se, 1e-9);
}

/// A third of the mass lies where q has one draw in 10¹⁰.
double hidden_mass(const VectorXd& z) {
  const double near = std::log(2.0 / 3) + log_normal(z[0], 0, 1);
  const double far = std::log(1.0 / 3) + log_normal(z[0], 6.5, 0.5);
  return std::max(near, far) + std::log1p(std::exp(-std::abs(near - far))) + log_normal(z[1], 0, 1);
}

TEST(Reach, FindsMassBeyondTheDrawsOfQ) {
  const auto model = model_of("affine", 2);
  const std::vector<double> params(model.parameters().size(), 0.0);
  const auto found = look(model, density(2, hidden_mass), params, 20'000, 5'000);
  EXPECT_NEAR(found.alone().log_z, std::log(2.0 / 3), 1e-3);
  EXPECT_LT(found.alone().log_z_se, 1e-3);
  const auto reached = evidence(found.all);
  EXPECT_NEAR(reached.log_z, 0, 4 * reached.log_z_se);
  EXPECT_LT(reached.log_z_se, 0.05);
}

TEST(Reach, ItsErrorIsTheSpreadOfItsEvidence) {
  // Tails twice as wide as those of q.
  const auto target = density(
      2, [](const VectorXd& z) { return log_normal(z[0], 0.5, 2) + log_normal(z[1], 0, 1.2); });
  const auto model = model_of("affine", 2);
  const std::vector<double> params(model.parameters().size(), 0.0);
  Executor alone(1);
  Mean z;
  Mean error;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const RandomStream stream{seed, Purpose::assessment, 0};
    auto own = draw<double>(model, &target, params, stream, 0, 800, alone);
    const auto found =
        evidence(add_defensive_draws(model, target, params, own, stream, 200, alone));
    z.add(found.log_z);
    error.add(found.log_z_se);
  }
  const double spread = z.error() * std::sqrt(z.n);
  EXPECT_NEAR(error.value() / spread, 1, 0.15);
  EXPECT_NEAR(z.value(), 0, 4 * z.error() + spread * spread / 2);
}

TEST(Reach, WeightsThatAreNoNumbersAreZero) {
  const auto target =
      density(1, [](const VectorXd& z) { return z[0] > 0 ? nan : log_normal(z[0], 0, 1); });
  const auto model = model_of("affine", 1);
  const std::vector<double> params(model.parameters().size(), 0.0);
  const auto half = evidence(look(model, target, params, 20'000, 5'000).all);
  EXPECT_NEAR(half.log_z, std::log(0.5), 4 * half.log_z_se);
  const auto nowhere = density(1, [](const VectorXd&) { return nan; });
  const auto none = evidence(look(model, nowhere, params, 1'000, 250).all);
  EXPECT_TRUE(std::isnan(none.log_z));
  EXPECT_TRUE(std::isnan(none.log_z_se));
}

TEST(Reach, AnyNumberOfThreadsGivesTheSameBits) {
  const auto model = model_of("iaf(hidden=8) + affine-full", 2);
  const auto params = params_of(model);
  const auto target = density(2, hidden_mass);
  const auto one = look(model, target, params, 1'001, 333).all;
  const auto four = look(model, target, params, 1'001, 333, 4).all;
  EXPECT_EQ(one.draws.z, four.draws.z);
  EXPECT_EQ(one.draws.log_q, four.draws.log_q);
  EXPECT_EQ(one.draws.log_p, four.draws.log_p);
  EXPECT_EQ(one.log_q_m, four.log_q_m);
}

TEST(Reach, OtherBasesAreLeftAsTheyAre) {
  const auto model = model_of("affine", 2, "mixture(components=2)");
  const auto params = params_of(model);
  const auto [own, all] = look(model, density(2, hidden_mass), params, 500, 100);
  EXPECT_EQ(all.wider, 0U);
  EXPECT_EQ(all.draws.log_q, own.log_q);
  EXPECT_EQ(all.log_q_m, std::vector<double>(500, 0.0));
  const auto plain = importance(log_weights(own.log_p, own.log_q));
  const auto found = evidence(all);
  EXPECT_NEAR(found.log_z, plain.log_z, 1e-12);
  EXPECT_NEAR(std::hypot(found.log_z_se, plain.tail_error), plain.log_z_se, 1e-12);
}

}  // namespace
}  // namespace riffle::test
