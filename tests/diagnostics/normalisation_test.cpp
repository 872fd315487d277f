#include "diagnostics/normalisation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "support/random.h"

namespace riffle {
namespace {

using Point = std::span<const double>;

constexpr double pi = std::numbers::pi;
constexpr std::size_t many = 65'536;

double log_normal_density(double x, double mean = 0, double spread = 1) {
  const double u = (x - mean) / spread;
  return -0.5 * u * u - 0.5 * std::log(2 * pi) - std::log(spread);
}

/// A density and a way to draw from it.
struct Known {
  std::size_t dim;
  std::function<double(Point)> log_q;
  std::function<void(test::Random&, std::span<double>)> draw;

  std::vector<double> draws(std::size_t n) const {
    test::Random random(7);
    std::vector<double> rows(n * dim);
    for (std::size_t i = 0; i < n; ++i) draw(random, std::span(rows).subspan(i * dim, dim));
    return rows;
  }
  LogDensityAtPoints at_points(double log_factor = 0) const {
    return [this, log_factor](std::span<const double> points) {
      std::vector<double> values;
      for (std::size_t i = 0; i < points.size(); i += dim) {
        values.push_back(log_q(points.subspan(i, dim)) + log_factor);
      }
      return values;
    };
  }
};

Known normal(std::size_t dim) {
  return {dim,
          [](Point y) {
            double sum = 0;
            for (const double x : y) sum += log_normal_density(x);
            return sum;
          },
          [](test::Random& random, std::span<double> y) {
            for (double& x : y) x = random.normal();
          }};
}

Known cauchy(std::size_t dim) {
  return {dim,
          [](Point y) {
            double sum = 0;
            for (const double x : y) sum -= std::log(pi) + std::log1p(x * x);
            return sum;
          },
          [](test::Random& random, std::span<double> y) {
            for (double& x : y) x = std::tan(pi * random.uniform(-0.5, 0.5));
          }};
}

/// A thin banana: y1 ~ N(0, 1), y2 | y1 ~ N(y1², 0.05).
Known banana() {
  return {2,
          [](Point y) {
            return log_normal_density(y[0]) + log_normal_density(y[1], y[0] * y[0], 0.05);
          },
          [](test::Random& random, std::span<double> y) {
            y[0] = random.normal();
            y[1] = y[0] * y[0] + 0.05 * random.normal();
          }};
}

/// Two narrow modes far from one another, in one dimension.
Known two_modes() {
  return {1,
          [](Point y) {
            return std::log(0.5 * std::exp(log_normal_density(y[0], -1000, 0.1)) +
                            0.5 * std::exp(log_normal_density(y[0], 1000, 0.1)));
          },
          [](test::Random& random, std::span<double> y) {
            y[0] = 1000 * random.sign() + 0.1 * random.normal();
          }};
}

TEST(Quadrature, OfWhatIsNormalised) {
  int which = 0;
  for (const auto& known : {normal(1), normal(2), cauchy(1), cauchy(2), banana(), two_modes()}) {
    SCOPED_TRACE(which++);
    const auto q = integrate(known.draws(many), known.dim, known.at_points(), 1e-4, 400'000);
    EXPECT_LE(q.error, 1e-4);
    EXPECT_NEAR(q.integral, 1, 5e-5);
    EXPECT_LE(q.evaluations, 400'000U);
    EXPECT_EQ(q.without_number, 0U);
    EXPECT_EQ(q.box.size(), known.dim);
  }
}

TEST(Quadrature, TellsTheFactorOfWhatIsNot) {
  const auto known = banana();
  for (const double factor : {1.001, 0.9, 2.0}) {
    const auto q =
        integrate(known.draws(many), 2, known.at_points(std::log(factor)), 1e-4, 400'000);
    EXPECT_NEAR(q.integral, factor, 2e-4);
  }
}

TEST(Quadrature, SaysHowFarItIsFromResolved) {
  const auto known = banana();
  const auto q = integrate(known.draws(many), 2, known.at_points(), 1e-4, 10'000);
  EXPECT_GT(q.error, 1e-2);
}

TEST(Quadrature, CountsWhatIsNoNumber) {
  const auto known = normal(2);
  const LogDensityAtPoints log_q = [&](std::span<const double> points) {
    auto values = known.at_points()(points);
    values[0] = std::numeric_limits<double>::quiet_NaN();
    return values;
  };
  EXPECT_GT(integrate(known.draws(1000), 2, log_q, 1e-4, 400'000).without_number, 0U);
}

TEST(Quadrature, EndsSoonWhereTheErrorDoesNotFall) {
  // Each cell of seven points to the side keeps a relative error, however small it becomes, of
  // which the sum is above the tolerance.
  const auto known = normal(2);
  for (const double noise : {1e-3, 7e-4, 5e-4, 4e-4, 3.6e-4}) {
    std::uint64_t point = 0;
    std::uint64_t rounds = 0;
    const LogDensityAtPoints noisy = [&](std::span<const double> points) {
      ++rounds;
      auto values = known.at_points()(points);
      for (double& v : values) v += point++ % 7 == 1 ? noise : 0;
      return values;
    };
    const auto q = integrate(known.draws(many), 2, noisy, 1e-4, 400'000);
    EXPECT_LT(rounds, 100U) << noise;
    EXPECT_NEAR(q.integral, 1, noise) << noise;
  }
}

TEST(Quadrature, OfDrawsThatAreAllTheSame) {
  const auto known = normal(1);
  const std::vector<double> draws(100, 0.5);
  EXPECT_NEAR(integrate(draws, 1, known.at_points(), 1e-4, 400'000).integral, 1, 1e-4);
}

TEST(Importance, OfWhatIsNormalised) {
  for (const std::size_t dim : {3U, 4U, 10U, 40U}) {
    const auto known = normal(dim);
    const auto q = integrate_by_importance(known.draws(4096), dim, known.at_points(),
                                           {1, Purpose::audit, 1}, 16'384);
    ASSERT_TRUE(q.possible);
    EXPECT_LE(std::abs(q.integral - 1), 4 * q.standard_error) << dim;
    EXPECT_LT(q.standard_error, 0.02);
    EXPECT_GT(q.effective_draws, 1000);
    EXPECT_LT(q.tail_index, 0.7);
  }
}

TEST(Importance, TellsTheFactorOfWhatIsNot) {
  const auto known = normal(4);
  const auto q = integrate_by_importance(known.draws(4096), 4, known.at_points(std::log(1.1)),
                                         {1, Purpose::audit, 1}, 16'384);
  EXPECT_NEAR(q.integral, 1.1, 4 * q.standard_error);
  EXPECT_LT(q.standard_error, 0.02);
}

TEST(Importance, TheStandardErrorIsThatOfItsValues) {
  const auto known = normal(5);
  const auto draws = known.draws(1000);
  double sum = 0;
  double squares = 0;
  double error = 0;
  constexpr int repetitions = 200;
  for (int i = 0; i < repetitions; ++i) {
    const auto q = integrate_by_importance(draws, 5, known.at_points(),
                                           {std::uint64_t(i), Purpose::audit, 1}, 1000);
    sum += q.integral;
    squares += q.integral * q.integral;
    error += q.standard_error / repetitions;
  }
  const double mean = sum / repetitions;
  const double spread = std::sqrt(squares / repetitions - mean * mean);
  EXPECT_NEAR(mean, 1, 4 * error / std::sqrt(repetitions));
  EXPECT_NEAR(spread / error, 1, 0.25);
}

TEST(Importance, SaysWhereItsReferenceDoesNotCover) {
  // A chain of thin bananas, of which a Student-t knows nothing.
  const Known chain{8,
                    [](Point y) {
                      double sum = log_normal_density(y[0]);
                      for (std::size_t d = 1; d < 8; ++d) {
                        sum += log_normal_density(y[d], y[d - 1] * y[d - 1], 0.02);
                      }
                      return sum;
                    },
                    [](test::Random& random, std::span<double> y) {
                      y[0] = random.normal();
                      for (std::size_t d = 1; d < 8; ++d) {
                        y[d] = y[d - 1] * y[d - 1] + 0.02 * random.normal();
                      }
                    }};
  const auto q = integrate_by_importance(chain.draws(4096), 8, chain.at_points(),
                                         {1, Purpose::audit, 1}, 16'384);
  EXPECT_TRUE(!q.possible || q.effective_draws < 100 || q.tail_index > 0.7)
      << q.integral << " ± " << q.standard_error;
}

TEST(Importance, NeedsDrawsThatSpan) {
  const auto known = normal(4);
  EXPECT_FALSE(
      integrate_by_importance(known.draws(5), 4, known.at_points(), {1, Purpose::audit, 1}, 100)
          .possible);
  EXPECT_FALSE(integrate_by_importance(std::vector<double>(400, 1.0), 4, known.at_points(),
                                       {1, Purpose::audit, 1}, 100)
                   .possible);
}

}  // namespace
}  // namespace riffle
