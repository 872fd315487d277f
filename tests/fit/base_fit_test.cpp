// Whole runs in which the base is learned, towards targets of its own family.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "riffle/fit.h"
#include "support/effort.h"

namespace riffle {
namespace {

constexpr double log_two_pi = 1.8378770664093454836;

Spec spec_of(const std::string& base, const std::string& objective) {
  Spec spec;
  spec.base.name = base;
  spec.flow.layers = "planar:1";
  spec.objective.name = objective;
  spec.optimizer.name = "adam";
  spec.optimizer.learning_rate = 0.02;
  spec.schedule.name = "cosine";
  spec.run.precision = Precision::float64;
  spec.run.iterations = test::hurried ? 1500 : 4000;
  spec.run.batch = 128;
  spec.run.threads = 1;
  spec.run.evaluation_draws = 100'000;
  spec.run.draws = 1000;
  return spec;
}

/// The values of one of the base's parameters.
std::vector<double> base_parameter(const FitReport& report, const std::string& name) {
  for (const auto& tensor : report.flow.parameters()) {
    if (tensor.name == "base." + name) return tensor.values;
  }
  ADD_FAILURE() << "no parameter base." << name;
  return {};
}

class BaseFit : public ::testing::TestWithParam<const char*> {};

// Of two modes as far apart as these no normal, moved by one planar layer, makes both.
TEST_P(BaseFit, AMixtureFindsBothModes) {
  const auto target = make_target(
      2,
      [](std::span<const double> z, std::span<double> gradient) {
        // ½ N((-3, 1), ½² I) + ½ N((3, -1), I).
        const double a[] = {(z[0] + 3) / 0.5, (z[1] - 1) / 0.5};
        const double b[] = {z[0] - 3, z[1] + 1};
        const double left =
            std::log(0.5) - log_two_pi - 2 * std::log(0.5) - 0.5 * (a[0] * a[0] + a[1] * a[1]);
        const double right = std::log(0.5) - log_two_pi - 0.5 * (b[0] * b[0] + b[1] * b[1]);
        const double top = std::max(left, right);
        const double total = top + std::log(std::exp(left - top) + std::exp(right - top));
        const double share = std::exp(left - total);
        for (std::size_t d = 0; d < 2; ++d) {
          gradient[d] = -share * a[d] / 0.5 - (1 - share) * b[d];
        }
        return total;
      },
      0.0);
  auto spec = spec_of("mixture(components=2, spread=3)", GetParam());
  const auto mixture = fit(spec, *target);
  ASSERT_TRUE(mixture.kl);
  EXPECT_LT(*mixture.kl, 0.02);
  EXPECT_GT(*mixture.kl, -5 * *mixture.kl_se - 1e-6);
  const auto logits = base_parameter(mixture, "logits");
  EXPECT_NEAR(1 / (1 + std::exp(logits[0] - logits[1])), 0.5, 0.05);
  spec.base.name = "standard-normal";
  EXPECT_GT(*fit(spec, *target).kl, 0.2);
}

TEST_P(BaseFit, StudentsTLearnsItsDegreesOfFreedom) {
  // t with ν = 2.5 at 1, twice as wide.
  constexpr double nu = 2.5;
  const double constant = std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2) -
                          0.5 * std::log(nu * std::numbers::pi) - std::log(2);
  const auto target = make_target(
      2,
      [constant](std::span<const double> z, std::span<double> gradient) {
        double sum = 0;
        for (std::size_t d = 0; d < 2; ++d) {
          const double t = (z[d] - 1) / 2;
          sum += constant - 0.5 * (nu + 1) * std::log1p(t * t / nu);
          gradient[d] = -(nu + 1) / nu * t / (1 + t * t / nu) / 2;
        }
        return sum;
      },
      0.0);
  auto spec = spec_of("student-t(nu=8)", GetParam());
  const auto heavy = fit(spec, *target);
  ASSERT_TRUE(heavy.kl);
  EXPECT_LT(*heavy.kl, 0.01);
  EXPECT_GT(*heavy.kl, -5 * *heavy.kl_se - 1e-6);
  for (const double phi : base_parameter(heavy, "log_freedom")) {
    EXPECT_NEAR(0.5 + std::exp(phi), nu, test::hurried ? 1 : 0.3);
  }
  for (const double m : base_parameter(heavy, "location")) EXPECT_NEAR(m, 1, 0.3);
  spec.base.name = "student-t(nu=8, learn=no)";
  EXPECT_GT(*fit(spec, *target).kl, *heavy.kl + 0.01);
}

TEST_P(BaseFit, AFullNormalFitsNormals) {
  auto spec = spec_of("full-normal", GetParam());
  spec.target.name = "gaussian";
  spec.target.dim = 3;
  spec.target.numbers["mean"] = 2;
  spec.target.numbers["sd_first"] = 0.5;
  spec.target.numbers["sd_last"] = 3;
  const auto report = fit(spec);
  EXPECT_LT(*report.kl, 0.01);
  EXPECT_GT(*report.kl, -5 * *report.kl_se - 1e-6);

  // z_i = 0.9 z_{i-1} + √0.19 ε_i: correlated along the whole row. Of independent coordinates one
  // planar layer makes covariances of 3 D - 1 parameters at most, here too few.
  constexpr std::size_t dim = 8;
  const auto row = make_target(
      dim,
      [](std::span<const double> z, std::span<double> gradient) {
        gradient[0] = -z[0];
        double value = -0.5 * z[0] * z[0];
        for (std::size_t i = 1; i < dim; ++i) {
          const double off = z[i] - 0.9 * z[i - 1];
          value -= 0.5 * off * off / 0.19;
          gradient[i] = -off / 0.19;
          gradient[i - 1] += 0.9 * off / 0.19;
        }
        return value;
      },
      0.5 * static_cast<double>(dim) * log_two_pi +
          0.5 * static_cast<double>(dim - 1) * std::log(0.19));
  const auto full = fit(spec, *row);
  EXPECT_LT(*full.kl, 0.01);
  EXPECT_GT(*full.kl, -5 * *full.kl_se - 1e-6);
  spec.base.name = "diagonal-normal";
  EXPECT_GT(*fit(spec, *row).kl, 0.5);
}

INSTANTIATE_TEST_SUITE_P(Objectives, BaseFit, ::testing::Values("free-energy", "path-gradient"),
                         [](const auto& test) {
                           return std::string(test.param) == "free-energy" ? "free_energy"
                                                                           : "path_gradient";
                         });

// The constant E[ln q0] that `bound` leaves out is none where the base is learned.
TEST(BaseFitRefusal, BoundNeedsAFixedBase) {
  auto spec = spec_of("mixture", "bound");
  spec.target.name = "U1";
  EXPECT_THROW(fit(spec), std::exception);
  spec.base.name = "diagonal-normal(learn=no, sd=2)";
  spec.run.iterations = 10;
  EXPECT_NO_THROW(fit(spec));
}

}  // namespace
}  // namespace riffle
