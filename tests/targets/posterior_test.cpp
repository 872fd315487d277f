// What is known of each of the built-in posteriors: their values, written out once more without
// lanes, their integrals and their options.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "core/names.h"
#include "riffle/error.h"
#include "targets/built_in_target.h"
#include "targets/gmm40_means.h"
#include "targets/target_checks.h"

namespace riffle::test {
namespace {

using Point = std::vector<double>;

const TargetEntry& find(std::string_view name) {
  return find_by_name(target_registry(), name, "target");
}

TargetOptions options_for(std::string_view name, std::size_t dim) {
  auto options = default_options(find(name), InstructionSet::best());
  options.dim = dim;
  return options;
}

double value_at(std::string_view name, const TargetOptions& options, const Point& z) {
  return values_at(*find(name).make<double>(options), {z}).log_density[0];
}

double log_normal(double x, double mean, double sd) {
  return -0.5 * std::pow((x - mean) / sd, 2) - std::log(sd) - 0.5 * std::log(2 * std::numbers::pi);
}

/// Random points of some size.
std::vector<Point> points_of(std::size_t dim, double scale) {
  Random random(41);
  std::vector<Point> points(20, Point(dim));
  for (auto& z : points) {
    for (double& x : z) x = scale * random.normal();
  }
  return points;
}

void expect_values(std::string_view name, const TargetOptions& options, double scale,
                   const std::function<double(const Point&)>& expected) {
  for (const auto& z : points_of(options.dim, scale)) {
    const double value = expected(z);
    EXPECT_NEAR(value_at(name, options, z), value, 1e-12 * (1 + std::abs(value)))
        << name << " in dimension " << options.dim;
  }
}

/// ∫p over the plane by the trapezoid rule in (a, b): z = (x(a), y(a) + h(a) b), |dz| = x' h.
double integral(std::string_view name, const TargetOptions& options, double a_reach, double b_reach,
                double step, const std::function<std::array<double, 3>(double)>& x_y_h) {
  const auto density = find(name).make<double>(options);
  double sum = 0;
  for (double a = -a_reach; a <= a_reach; a += step) {
    const auto [x, y, h] = x_y_h(a);
    std::vector<Point> row;
    for (double b = -b_reach; b <= b_reach; b += step) row.push_back({x, y + h * b});
    for (const double v : values_at(*density, row).log_density) sum += std::exp(v) * h;
  }
  return sum * step * step;
}

TEST(Funnel, IsANormalOfRandomWidth) {
  for (const std::size_t dim : {1U, 2U, 10U}) {
    auto options = options_for("funnel", dim);
    for (const double sd : {3.0, 1.7}) {
      options.numbers["sd"] = sd;
      expect_values("funnel", options, 3, [&](const Point& z) {
        double sum = log_normal(z[0], 0, sd);
        for (std::size_t d = 1; d < dim; ++d) sum += log_normal(z[d], 0, std::exp(z[0] / 2));
        return sum;
      });
    }
  }
}

TEST(Funnel, IsNormalised) {
  EXPECT_NEAR(integral("funnel", options_for("funnel", 2), 30, 9, 0.1,
                       [](double a) {
                         return std::array{a, 0.0, std::exp(a / 2)};
                       }),
              1, 1e-12);
  EXPECT_EQ(find("funnel").log_z(options_for("funnel", 2)), 0.0);
}

TEST(Funnel, StaysFiniteFarDownItsNeck) {
  const auto options = options_for("funnel", 3);
  for (const double z : {-1000.0, -1e5, 1e5}) {
    const auto at = values_at(*find("funnel").make<double>(options), {{z, 0, 0}});
    const double expected = log_normal(z, 0, 3) - z - std::log(2 * std::numbers::pi);
    EXPECT_NEAR(at.log_density[0], expected, 1e-13 * std::abs(expected)) << z;
    EXPECT_NEAR(at.gradient[0][0], -z / 9 - 1, 1e-12 * std::abs(z)) << z;
    EXPECT_EQ(at.gradient[0][1], 0) << z;
  }
}

TEST(Banana, IsABentNormal) {
  for (const std::size_t dim : {2U, 5U}) {
    auto options = options_for("banana", dim);
    for (const double sd : {10.0, 4.0}) {
      options.numbers["sd"] = sd;
      options.numbers["curvature"] = sd == 10 ? 0.03 : -0.2;
      const double b = options.numbers["curvature"];
      expect_values("banana", options, 5, [&](const Point& z) {
        double sum = log_normal(z[0], 0, sd) + log_normal(z[1], b * (z[0] * z[0] - sd * sd), 1);
        for (std::size_t d = 2; d < dim; ++d) sum += log_normal(z[d], 0, 1);
        return sum;
      });
    }
  }
}

TEST(Banana, IsNormalised) {
  EXPECT_NEAR(integral("banana", options_for("banana", 2), 100, 9, 0.25,
                       [](double a) {
                         return std::array{a, 0.03 * (a * a - 100), 1.0};
                       }),
              1, 1e-12);
}

TEST(ManyWell, HasTheKnownIntegral) {
  const auto options = options_for("many-well", 32);
  // Of the DW-4 benchmark's pair, by adaptive quadrature: Z = 11784.509265 over the well alone.
  EXPECT_NEAR(find("many-well").log_z(options).value(), 164.695675, 1e-6);
  EXPECT_NEAR(find("many-well").log_z(options_for("many-well", 2)).value(),
              std::log(11784.509265) + 0.5 * std::log(2 * std::numbers::pi), 1e-9);
  const double by_grid =
      integral("many-well", options_for("many-well", 2), 6, 9, 0.02, [](double a) {
        return std::array{a, 0.0, 1.0};
      });
  EXPECT_NEAR(std::log(by_grid), find("many-well").log_z(options_for("many-well", 2)).value(),
              1e-10);
}

TEST(ManyWell, HasTheKnownMassToTheLeft) {
  const auto density = find("many-well").make<double>(options_for("many-well", 2));
  double left = 0;
  double all = 0;
  for (double x = -6 + 0.0005; x < 6; x += 0.001) {
    const double p = std::exp(values_at(*density, {{x, 0}}).log_density[0]);
    all += p;
    if (x < 0) left += p;
  }
  EXPECT_NEAR(left / all, 0.155693, 1e-6);
}

TEST(ManyWell, IsASumOverPairs) {
  expect_values("many-well", options_for("many-well", 6), 2, [](const Point& z) {
    double sum = 0;
    for (std::size_t d = 0; d < 6; d += 2) {
      sum += -std::pow(z[d], 4) + 6 * z[d] * z[d] + 0.5 * z[d] - 0.5 * z[d + 1] * z[d + 1];
    }
    return sum;
  });
}

TEST(Gmm40, IsAMeanOfNormals) {
  const auto check = [](std::string_view name, const Gmm40Means& means, double sd) {
    expect_values(name, options_for(name, 2), 20, [&](const Point& z) {
      double sum = 0;
      for (const auto& m : means) {
        sum += std::exp(log_normal(z[0], m[0], sd) + log_normal(z[1], m[1], sd)) / 40;
      }
      return std::log(sum);
    });
  };
  check("gmm40", gmm40_torch_means, std::log1p(std::exp(1.0)));
  check("gmm40-jax", gmm40_jax_means, 1);
}

// Published to four decimals: the first and the last of either version.
TEST(Gmm40, HasThePublishedMeans) {
  EXPECT_EQ(gmm40_torch_means[0][0], -0.2995);
  EXPECT_EQ(gmm40_torch_means[0][1], 21.4577);
  EXPECT_EQ(gmm40_torch_means[39][0], 3.6797);
  EXPECT_EQ(gmm40_torch_means[39][1], -25.0242);
  EXPECT_EQ(gmm40_jax_means[0][0], -15.7582);
  EXPECT_EQ(gmm40_jax_means[39][1], -8.1417);
}

TEST(Gmm40, IsNormalised) {
  for (const std::string_view name : {"gmm40", "gmm40-jax"}) {
    EXPECT_NEAR(integral(name, options_for(name, 2), 55, 55, 0.25,
                         [](double a) {
                           return std::array{a, 0.0, 1.0};
                         }),
                1, 1e-12)
        << name;
  }
}

TEST(StudentTMixture, IsNormalisedAndHeavyTailed) {
  // z = 3 sinh u turns tails like 1/z³ into exponential ones; the locations are within ±10.
  const auto density = find("student-t-mixture").make<double>(options_for("student-t-mixture", 1));
  double sum = 0;
  constexpr double step = 0.02;
  for (double u = -20; u <= 20; u += step) {
    sum += std::exp(values_at(*density, {{3 * std::sinh(u)}}).log_density[0]) * 3 * std::cosh(u);
  }
  EXPECT_NEAR(sum * step, 1, 1e-10);
  // In the end every component is 1/|z|³.
  EXPECT_NEAR(values_at(*density, {{1e6}}).log_density[0], -3 * std::log(1e6), 1e-4);
}

TEST(StudentTMixture, HasTenBumpsWithinItsSpread) {
  auto options = options_for("student-t-mixture", 1);
  options.numbers["spread"] = 1000;
  const auto density = find("student-t-mixture").make<double>(options);
  int bumps = 0;
  std::vector<Point> line;
  for (double x = -1010; x <= 1010; x += 0.1) line.push_back({x});
  const auto values = values_at(*density, line).log_density;
  for (std::size_t i = 1; i + 1 < values.size(); ++i) {
    bumps += values[i] > values[i - 1] && values[i] > values[i + 1];
  }
  EXPECT_EQ(bumps, 10);
  // Each is a tenth of t_2, whose peak is 8^-½: where they lie far apart nothing else is there.
  EXPECT_NEAR(*std::max_element(values.begin(), values.end()), -std::log(10) - 1.5 * std::log(2),
              1e-3);
  // The first coordinate's locations are those of any other dimension.
  options.dim = 2;
  options.numbers["spread"] = 10;
  auto of_one = options_for("student-t-mixture", 1);
  double marginal = 0;
  constexpr double step = 0.02;
  const auto plane = find("student-t-mixture").make<double>(options);
  for (double u = -20; u <= 20; u += step) {
    marginal += std::exp(values_at(*plane, {{0.7, 3 * std::sinh(u)}}).log_density[0]) * 3 *
                std::cosh(u) * step;
  }
  EXPECT_NEAR(std::log(marginal), value_at("student-t-mixture", of_one, {0.7}), 1e-9);
}

TEST(IllConditioned, HasTheWantedSpectrumAlongNoAxis) {
  constexpr std::size_t dim = 12;
  auto options = options_for("ill-conditioned", dim);
  options.numbers["condition"] = 500;
  const auto density = find("ill-conditioned").make<double>(options);
  // Columns of the precision matrix are gradients at unit vectors.
  std::vector<Point> units(dim, Point(dim, 0.0));
  for (std::size_t d = 0; d < dim; ++d) units[d][d] = 1;
  const auto columns = values_at(*density, units).gradient;
  double trace = 0;
  for (std::size_t d = 0; d < dim; ++d) {
    trace -= columns[d][d];
    double off = 0;
    for (std::size_t e = 0; e < dim; ++e) {
      if (e != d) off = std::max(off, std::abs(columns[d][e] / columns[d][d]));
    }
    EXPECT_GT(off, 0.1) << d;
  }
  double expected = 0;
  for (std::size_t k = 0; k < dim; ++k) {
    const double variance = std::pow(500, static_cast<double>(k) / (dim - 1) - 0.5);
    expected += 1 / variance;
    // Row k of the cosine transform is the axis of that variance.
    Point axis(dim);
    for (std::size_t d = 0; d < dim; ++d) {
      axis[d] = std::sqrt((k == 0 ? 1.0 : 2.0) / dim) *
                std::cos(std::numbers::pi * (static_cast<double>(d) + 0.5) *
                         static_cast<double>(k) / dim);
    }
    const auto at = values_at(*density, {axis});
    EXPECT_NEAR(at.log_density[0], -0.5 / variance, 1e-12 / variance);
    for (std::size_t d = 0; d < dim; ++d) {
      EXPECT_NEAR(at.gradient[0][d], -axis[d] / variance, 1e-11 / std::sqrt(variance)) << k;
    }
  }
  EXPECT_NEAR(trace, expected, 1e-10 * expected);
  EXPECT_NEAR(find("ill-conditioned").log_z(options).value(), 6 * std::log(2 * std::numbers::pi),
              1e-12);
}

TEST(EightSchools, IsTheModelWrittenOut) {
  const double y[] = {28, 8, -3, 7, -1, 1, 18, 12};
  const double sigma[] = {15, 10, 16, 11, 9, 11, 10, 18};
  const auto priors = [](const Point& z) {
    const double tau = std::exp(z[1]);
    return log_normal(z[0], 0, 5) + std::log(2 / (5 * std::numbers::pi * (1 + tau * tau / 25))) +
           z[1];
  };
  expect_values("eight-schools", options_for("eight-schools", 10), 2, [&](const Point& z) {
    double sum = priors(z);
    for (std::size_t j = 0; j < 8; ++j) {
      sum += log_normal(z[2 + j], z[0], std::exp(z[1])) + log_normal(y[j], z[2 + j], sigma[j]);
    }
    return sum;
  });
  expect_values("eight-schools-noncentered", options_for("eight-schools-noncentered", 10), 2,
                [&](const Point& z) {
                  double sum = priors(z);
                  for (std::size_t j = 0; j < 8; ++j) {
                    sum += log_normal(z[2 + j], 0, 1) +
                           log_normal(y[j], z[0] + std::exp(z[1]) * z[2 + j], sigma[j]);
                  }
                  return sum;
                });
}

TEST(EightSchools, StaysFiniteAtTheTipOfItsFunnel) {
  const auto density = find("eight-schools").make<double>(options_for("eight-schools", 10));
  for (const double v : {-1000.0, 1000.0}) {
    Point z(10, 1.0);
    z[1] = v;
    const auto at = values_at(*density, {z});
    EXPECT_TRUE(std::isfinite(at.log_density[0])) << v;
    EXPECT_NEAR(at.gradient[0][1], v < 0 ? -7 : -9, 1e-12);
    EXPECT_TRUE(std::isfinite(at.gradient[0][0]) && std::isfinite(at.gradient[0][5])) << v;
  }
}

// Two samplers' figures of Stan's models, whose `tau ~ cauchy(0, 5)` on τ > 0 lacks the factor 2 of
// the half-Cauchy.
TEST(EightSchools, HasTheKnownEvidence) {
  for (const std::string_view name : {"eight-schools", "eight-schools-noncentered"}) {
    const double log_z = find(name).log_z(options_for(name, 10)).value() - std::log(2);
    EXPECT_NEAR(log_z, -32.0025, 2 * 0.004) << name;
    EXPECT_NEAR(log_z, -32.006, 2 * 0.019) << name;
  }
}

TEST(EightSchools, NamesItsParameters) {
  const BuiltInTarget centred(find("eight-schools"), options_for("eight-schools", 10));
  EXPECT_EQ(centred.parameter_names(),
            (std::vector<std::string>{"mu", "tau", "theta.1", "theta.2", "theta.3", "theta.4",
                                      "theta.5", "theta.6", "theta.7", "theta.8"}));
  EXPECT_EQ(centred.parameter_count(), 10U);
  const BuiltInTarget noncentred(find("eight-schools-noncentered"),
                                 options_for("eight-schools-noncentered", 10));
  const auto names = noncentred.parameter_names();
  ASSERT_EQ(names.size(), 18U);
  EXPECT_EQ(names[2], "theta_raw.1");
  EXPECT_EQ(names[17], "theta.8");
  EXPECT_EQ(noncentred.parameter_count(), 10U);
  const Point z{3, std::log(2.0), 1, -1, 0, 0.5, 2, -2, 3, 4};
  Point theta(18);
  noncentred.constrain(z, theta);
  EXPECT_EQ(theta[0], 3);
  EXPECT_NEAR(theta[1], 2, 1e-15);
  EXPECT_EQ(theta[3], -1);
  EXPECT_NEAR(theta[10], 5, 1e-14);
  EXPECT_NEAR(theta[17], 11, 1e-14);
}

NumberTable small_table() {
  return {3, {1, 5, 0, 2, 5, 1, 4, 5, 1, 3, 5, 0, 0.5, 5, 1}};
}

TargetOptions logistic_options(const NumberTable& table) {
  auto options = default_options(find("logistic"), InstructionSet::best());
  options.data = table;
  options.dim = find("logistic").dim_of_data(options);
  return options;
}

TEST(Logistic, IsTheModelWrittenOut) {
  const auto table = small_table();
  for (const bool centre : {true, false}) {
    for (const bool scale : {true, false}) {
      for (const bool intercept : {true, false}) {
        auto options = logistic_options(table);
        options.numbers["centered"] = centre;
        options.numbers["scaled"] = scale;
        options.numbers["intercept"] = intercept;
        options.numbers["prior_sd"] = 1.5;
        options.dim = find("logistic").dim_of_data(options);
        ASSERT_EQ(options.dim, intercept ? 3U : 2U);
        // Of 1, 2, 4, 3, ½: mean 2.1, mean square 6.05. The second feature is constant.
        const double sd = std::sqrt(6.05 - 2.1 * 2.1);
        expect_values("logistic", options, 2, [&](const Point& w) {
          double sum = 0;
          for (const double x : w) sum += log_normal(x, 0, 1.5);
          for (std::size_t i = 0; i < 5; ++i) {
            const double a = (table.values[3 * i] - (centre ? 2.1 : 0)) / (scale ? sd : 1);
            const double b = 5 - (centre ? 5 : 0);
            const std::size_t at = intercept ? 1 : 0;
            const double eta = (intercept ? w[0] : 0) + w[at] * a + w[at + 1] * b;
            sum -= std::log1p(std::exp(table.values[3 * i + 2] == 1 ? -eta : eta));
          }
          return sum;
        });
      }
    }
  }
}

TEST(Logistic, StaysFiniteFarOut) {
  const auto options = logistic_options(small_table());
  const double value = value_at("logistic", options, {1e5, 0, 0});
  EXPECT_NEAR(value, -2e5 - 0.5e10 - 1.5 * std::log(2 * std::numbers::pi), 1e-4);
}

TEST(Logistic, NamesItsWeights) {
  auto options = logistic_options(small_table());
  EXPECT_EQ(BuiltInTarget(find("logistic"), options).parameter_names(),
            (std::vector<std::string>{"intercept", "beta.1", "beta.2"}));
  options.numbers["intercept"] = 0;
  EXPECT_EQ(BuiltInTarget(find("logistic"), options).parameter_names(),
            (std::vector<std::string>{"beta.1", "beta.2"}));
}

TEST(Logistic, RefusesDataThatWillNotDo) {
  const auto kind_of = [](const NumberTable& table) {
    try {
      find("logistic").make<double>(logistic_options(table));
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "accepted";
    return ErrorKind::io;
  };
  EXPECT_EQ(kind_of({}), ErrorKind::usage);
  EXPECT_EQ(kind_of({2, {1, 0, 2, 1, 3, 2}}), ErrorKind::data);  // three labels
  EXPECT_EQ(kind_of({2, {1, 1, 2, 1}}), ErrorKind::data);        // one
  auto nothing_left = logistic_options({1, {0, 1}});             // the intercept alone
  EXPECT_NO_THROW(find("logistic").make<double>(nothing_left));
  nothing_left.numbers["intercept"] = 0;
  EXPECT_THROW(find("logistic").make<double>(nothing_left), Error);
}

TEST(Posteriors, RefuseOptionsThatMakeNoSense) {
  const auto refuses = [](std::string_view name, std::string_view option, double value) {
    auto options = test_options(find(name), InstructionSet::best());
    options.numbers.find(option)->second = value;
    EXPECT_THROW(find(name).make<double>(options), Error) << name << " " << option << " " << value;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {0.0, -1.0, nan}) {
    refuses("funnel", "sd", bad);
    refuses("banana", "sd", bad);
    refuses("gmm40", "sd", bad);
    refuses("logistic", "prior_sd", bad);
  }
  refuses("student-t-mixture", "spread", -1);
  refuses("student-t-mixture", "spread", nan);
  refuses("ill-conditioned", "condition", 0.9);
  refuses("ill-conditioned", "condition", nan);
}

// Every density of the registry through the public interface.
TEST(BuiltInTarget, IsTheDensity) {
  for (const auto& entry : target_registry()) {
    const auto options = test_options(entry, InstructionSet::best());
    const auto density = entry.make<double>(options);
    const BuiltInTarget target(entry, options);
    ASSERT_EQ(target.dim(), options.dim) << entry.name;
    EXPECT_EQ(target.log_z(), entry.log_z(options)) << entry.name;
    EXPECT_TRUE(target.thread_safe() && target.keeps_constants()) << entry.name;
    constexpr std::size_t count = 5;
    TileBuffer<double> z(options.dim);
    TileBuffer<double> gradient(options.dim);
    Random random(42);
    std::vector<Point> points(count, Point(options.dim));
    for (std::size_t s = 0; s < count; ++s) {
      for (std::size_t d = 0; d < options.dim; ++d) {
        points[s][d] = z.row(d)[s] = random.normal();
      }
    }
    const auto expected = values_at(*density, points);
    // Nothing beyond the values asked for may be written.
    std::vector<double> log_density(count + 1, -7);
    target.evaluate(std::as_const(z).view(count), std::span(log_density).first(count),
                    gradient.view(count));
    EXPECT_EQ(log_density[count], -7) << entry.name;
    for (std::size_t s = 0; s < count; ++s) {
      EXPECT_EQ(log_density[s], expected.log_density[s]) << entry.name;
      for (std::size_t d = 0; d < options.dim; ++d) {
        EXPECT_EQ(gradient.row(d)[s], expected.gradient[s][d]) << entry.name;
      }
    }
    const auto names = target.parameter_names();
    EXPECT_LE(target.parameter_count(), names.size()) << entry.name;
    Point theta(names.size(), std::numeric_limits<double>::quiet_NaN());
    target.constrain(points[0], theta);
    for (const double x : theta) EXPECT_TRUE(std::isfinite(x)) << entry.name;
    if (entry.parameters.names == nullptr) {
      EXPECT_EQ(names.back(), fmt::format("z.{}", options.dim));
      EXPECT_EQ(theta, points[0]);
    }
  }
}

}  // namespace
}  // namespace riffle::test
