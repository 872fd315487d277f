// The maps onto constrained spaces: each against dual numbers, a dense determinant, its inverse,
// the definition of its space, and known integrals.

#include "targets/constraints.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "core/aligned.h"
#include "riffle/error.h"
#include "support/failures.h"
#include "support/mutation.h"
#include "support/random.h"

namespace riffle::test {
namespace {

using Kind = Constraint::Kind;
using Values = std::vector<double>;

std::vector<Parameter> parameters() {
  std::vector<Parameter> all{
      {"real", {}, Constraint::real()},
      {"reals", {2, 3}, Constraint::real()},
      {"lower", {3}, Constraint::lower(-1.5)},
      {"upper", {2, 2}, Constraint::upper(0.25)},
      {"interval", {5}, Constraint::interval(-2, 5)},
  };
  for (const std::size_t size : {1U, 2U, 3U, 6U}) {
    all.push_back({"simplex", {size}, Constraint::simplex()});
    all.push_back({"ordered", {size}, Constraint::ordered()});
    all.push_back({"positive_ordered", {size}, Constraint::positive_ordered()});
  }
  for (const std::size_t size : {1U, 2U, 3U, 4U}) {
    all.push_back({"cholesky_corr", {size, size}, Constraint::cholesky_corr()});
    all.push_back({"corr_matrix", {size, size}, Constraint::corr_matrix()});
    all.push_back({"cholesky_cov", {size, size}, Constraint::cholesky_cov()});
    all.push_back({"cov_matrix", {size, size}, Constraint::cov_matrix()});
  }
  return all;
}

std::string text(const Parameter& p) {
  std::string all = p.name;
  for (const auto size : p.shape) all += fmt::format("[{}]", size);
  return all;
}

Values random_values(std::size_t n, double scale, Random& random) {
  Values y(n);
  for (double& x : y) x = scale * random.normal();
  return y;
}

struct Constrained {
  Values theta;
  double log_det;
};

Constrained constrained(const Parameter& p, const Values& y) {
  Constrained c{Values(constrained_size(p), std::nan("")), 0};
  c.log_det = constrain(p, y, c.theta);
  return c;
}

/// The derivatives of every θ and of ln|∂θ/∂y| by y_i.
struct Column {
  Values theta;
  double log_det;
};

Column derivative(const Parameter& p, const Values& y, std::size_t i) {
  std::vector<Dual> at(y.begin(), y.end());
  at[i].tangent = 1;
  std::vector<Dual> theta(constrained_size(p));
  const Dual log_det = constrain_as<Dual>(p, at, theta);
  Column column{{}, log_det.tangent};
  for (const auto& x : theta) column.theta.push_back(x.tangent);
  return column;
}

/// The elements of θ that the others are functions of.
std::vector<std::size_t> free_elements(const Parameter& p) {
  std::vector<std::size_t> free;
  const auto kind = p.constraint.kind();
  const bool corr = kind == Kind::cholesky_corr || kind == Kind::corr_matrix;
  const bool cov = kind == Kind::cholesky_cov || kind == Kind::cov_matrix;
  for (std::size_t e = 0; e < constrained_size(p); ++e) {
    if (corr || cov) {
      const std::size_t row = e % p.shape[0];
      const std::size_t column = e / p.shape[0];
      if (row < column || (corr && row == column)) continue;
    }
    if (kind == Kind::simplex && e + 1 == p.shape[0]) continue;
    free.push_back(e);
  }
  return free;
}

/// What stands where θ is constant must not count.
bool is_constant(const Parameter& p, std::size_t e) {
  const auto kind = p.constraint.kind();
  if (kind == Kind::real || p.shape.size() != 2) return false;
  const std::size_t row = e % p.shape[0];
  const std::size_t column = e / p.shape[0];
  return ((kind == Kind::cholesky_corr || kind == Kind::cholesky_cov) && row < column) ||
         (kind == Kind::corr_matrix && row == column);
}

using Adjoint = std::function<void(const Parameter&, std::span<const double>,
                                   std::span<const double>, double, std::span<double>)>;

Failures check_adjoint(const Parameter& p, const Adjoint& adjoint) {
  Failures failures;
  Random random(51);
  const std::size_t n = unconstrained_size(p);
  for (const double scale : {1e-6, 0.3, 1.0, 3.0, 10.0}) {
    for (int repeat = 0; repeat < 10; ++repeat) {
      const auto y = random_values(n, scale, random);
      auto theta_bar = random_values(constrained_size(p), 1, random);
      const double weight = random.normal();
      const double nan = std::nan("");
      Values y_bar(n, nan);
      adjoint(p, y, theta_bar, weight, y_bar);
      for (std::size_t i = 0; i < n; ++i) {
        const auto column = derivative(p, y, i);
        double expected = weight * column.log_det;
        double size = std::abs(expected);
        for (std::size_t e = 0; e < theta_bar.size(); ++e) {
          expected += theta_bar[e] * column.theta[e];
          size += std::abs(theta_bar[e] * column.theta[e]);
        }
        // Tails such as 1 - tanh² are differences of numbers around 1 in a dual number.
        const double allowed = 1e-12 * size + 1e-13;
        if (!(std::abs(y_bar[i] - expected) <= allowed)) {
          failures.push_back(fmt::format("{} of size {}: {} of {} is {:.17g} instead of {:.17g}",
                                         text(p), scale, i, n, y_bar[i], expected));
        }
      }
    }
  }
  return failures;
}

TEST(Constraints, AdjointsAgreeWithDuals) {
  for (const auto& p : parameters()) EXPECT_TRUE(none(check_adjoint(p, constrain_adjoint)));
}

TEST(Constraints, BrokenAdjointsFail) {
  for (const auto& p : parameters()) {
    if (unconstrained_size(p) == 0) continue;
    for (const auto mutation : mutations) {
      if (mutation == Mutation::permuted && unconstrained_size(p) == 1) continue;
      const auto broken = [&](const Parameter& q, std::span<const double> y,
                              std::span<const double> theta_bar, double w,
                              std::span<double> y_bar) {
        constrain_adjoint(q, y, theta_bar, w, y_bar);
        mutate(mutation, y_bar);
      };
      EXPECT_FALSE(check_adjoint(p, broken).empty()) << text(p) << " " << name_of(mutation);
    }
  }
}

TEST(Constraints, AdjointsAgreeWithDifferences) {
  Random random(52);
  for (const auto& p : parameters()) {
    const std::size_t n = unconstrained_size(p);
    const auto y = random_values(n, 1, random);
    const auto theta_bar = random_values(constrained_size(p), 1, random);
    constexpr double weight = -0.7;
    const auto value = [&](std::size_t i, double step) {
      auto moved = y;
      moved[i] += step;
      const auto c = constrained(p, moved);
      double sum = weight * c.log_det;
      for (std::size_t e = 0; e < theta_bar.size(); ++e) sum += theta_bar[e] * c.theta[e];
      return sum;
    };
    Values y_bar(n);
    constrain_adjoint(p, y, theta_bar, weight, y_bar);
    for (std::size_t i = 0; i < n; ++i) {
      constexpr double h = 1e-3;
      const double slope =
          (8 * (value(i, h) - value(i, -h)) - (value(i, 2 * h) - value(i, -2 * h))) / (12 * h);
      EXPECT_NEAR(y_bar[i], slope, 1e-9 * (1 + std::abs(slope))) << text(p) << " " << i;
    }
  }
}

TEST(Constraints, ConstantsOfThetaTakeNoPart) {
  Random random(53);
  for (const auto& p : parameters()) {
    const auto y = random_values(unconstrained_size(p), 1, random);
    auto theta_bar = random_values(constrained_size(p), 1, random);
    Values before(y.size());
    constrain_adjoint(p, y, theta_bar, 1, before);
    for (std::size_t e = 0; e < theta_bar.size(); ++e) {
      if (is_constant(p, e)) theta_bar[e] = std::nan("");
    }
    if (p.constraint.kind() == Kind::cholesky_corr) theta_bar[0] = 7;  // L_11 = 1
    Values after(y.size());
    constrain_adjoint(p, y, theta_bar, 1, after);
    EXPECT_EQ(before, after) << text(p);
  }
}

TEST(Constraints, LogDetIsThatOfTheDenseJacobian) {
  Random random(54);
  for (const auto& p : parameters()) {
    const auto free = free_elements(p);
    const std::size_t n = unconstrained_size(p);
    ASSERT_EQ(free.size(), n) << text(p);
    for (const double scale : {0.1, 0.5, 1.0, 2.0}) {
      const auto y = random_values(n, scale, random);
      Eigen::MatrixXd jacobian(n, n);
      for (std::size_t i = 0; i < n; ++i) {
        const auto column = derivative(p, y, i);
        for (std::size_t k = 0; k < n; ++k) {
          jacobian(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(i)) =
              column.theta[free[k]];
        }
      }
      const double expected = n == 0 ? 0 : std::log(std::abs(jacobian.fullPivLu().determinant()));
      EXPECT_NEAR(constrained(p, y).log_det, expected, 1e-9 * (1 + std::abs(expected)))
          << text(p) << " of size " << scale;
    }
  }
}

TEST(Constraints, AreFulfilled) {
  Random random(55);
  for (const auto& p : parameters()) {
    for (const double scale : {0.3, 2.0, 6.0}) {
      const auto theta = constrained(p, random_values(unconstrained_size(p), scale, random)).theta;
      const auto where = text(p);
      const auto& c = p.constraint;
      double sum = 0;
      for (const double x : theta) sum += x;
      switch (c.kind()) {
        case Kind::real:
          break;
        case Kind::lower:
          for (const double x : theta) EXPECT_GT(x, -1.5) << where;
          break;
        case Kind::upper:
          for (const double x : theta) EXPECT_LT(x, 0.25) << where;
          break;
        case Kind::interval:
          for (const double x : theta) EXPECT_TRUE(x > -2 && x < 5) << where;
          break;
        case Kind::simplex:
          for (const double x : theta) EXPECT_GT(x, 0) << where;
          EXPECT_NEAR(sum, 1, 1e-15 * 8) << where;
          break;
        case Kind::positive_ordered:
          EXPECT_GT(theta[0], 0) << where;
          [[fallthrough]];
        case Kind::ordered:
          for (std::size_t k = 1; k < theta.size(); ++k) EXPECT_GT(theta[k], theta[k - 1]) << where;
          break;
        default: {
          const auto size = static_cast<Eigen::Index>(p.shape[0]);
          const Eigen::MatrixXd m = Eigen::Map<const Eigen::MatrixXd>(theta.data(), size, size);
          const bool corr = c.kind() == Kind::cholesky_corr || c.kind() == Kind::corr_matrix;
          const bool factor = c.kind() == Kind::cholesky_corr || c.kind() == Kind::cholesky_cov;
          const Eigen::MatrixXd product = factor ? Eigen::MatrixXd(m * m.transpose()) : m;
          if (factor) {
            EXPECT_EQ((m - Eigen::MatrixXd(m.triangularView<Eigen::Lower>())).norm(), 0) << where;
            EXPECT_GT(m.diagonal().minCoeff(), 0) << where;
          } else {
            EXPECT_EQ((m - m.transpose()).norm(), 0) << where;
          }
          if (corr) {
            EXPECT_LE((product.diagonal().array() - 1).abs().maxCoeff(), 1e-14) << where;
          }
          if (scale < 1) {
            EXPECT_GT(product.selfadjointView<Eigen::Lower>().eigenvalues().minCoeff(), 0) << where;
          }
        }
      }
    }
  }
}

TEST(Constraints, InversesLeadBack) {
  Random random(56);
  for (const auto& p : parameters()) {
    for (const double scale : {0.1, 1.0, 3.0}) {
      // A factor of a product loses twice the digits.
      const bool product =
          p.constraint.kind() == Kind::corr_matrix || p.constraint.kind() == Kind::cov_matrix;
      if (product && scale > 1) continue;
      const auto y = random_values(unconstrained_size(p), scale, random);
      Values back(y.size(), std::nan(""));
      unconstrain(p, constrained(p, y).theta, back);
      for (std::size_t i = 0; i < y.size(); ++i) {
        EXPECT_NEAR(back[i], y[i], product ? 1e-9 : 1e-11) << text(p) << " of size " << scale;
      }
    }
  }
}

TEST(Constraints, ParametersOfSize0AreEmpty) {
  const std::vector<Parameter> empty{
      {"x", {0}, Constraint::real()},
      {"x", {0, 3}, Constraint::lower(0)},
      {"x", {3, 0}, Constraint::upper(0)},
      {"x", {2, 0, 4}, Constraint::interval(0, 1)},
      {"x", {0}, Constraint::ordered()},
      {"x", {0}, Constraint::positive_ordered()},
      {"x", {0, 0}, Constraint::cov_matrix()},
      {"x", {0, 0}, Constraint::corr_matrix()},
      {"x", {0, 0}, Constraint::cholesky_cov()},
      {"x", {0, 0}, Constraint::cholesky_corr()},
  };
  for (const auto& p : empty) {
    EXPECT_EQ(constrained_size(p), 0U) << text(p);
    EXPECT_EQ(unconstrained_size(p), 0U) << text(p);
    EXPECT_EQ(constrain(p, {}, {}), 0) << text(p);
    unconstrain(p, {}, {});
    constrain_adjoint(p, {}, {}, 1, {});
  }
  EXPECT_THROW(constrained_size({"x", {0}, Constraint::simplex()}), Error);
  EXPECT_THROW(constrained_size({"x", {1U << 30, 1U << 30}, Constraint::real()}), Error);

  // Among others they change nothing.
  const auto target =
      make_constrained_target({{"none", {0, 3}, Constraint::real()},
                               {"x", {}, Constraint::lower(0)},
                               {"one", {1}, Constraint::simplex()},
                               {"last", {0}, Constraint::ordered()}},
                              [](std::span<const double> theta, std::span<double> gradient) {
                                EXPECT_EQ(theta.size(), 2U);
                                gradient[0] = -1;
                                gradient[1] = 0;
                                return -theta[0];
                              });
  EXPECT_EQ(target->dim(), 1U);
  EXPECT_EQ(target->parameter_names(), (std::vector<std::string>{"x", "one.1"}));
  Values theta(2);
  target->constrain(Values{std::log(3.0)}, theta);
  EXPECT_NEAR(theta[0], 3, 1e-15);
  EXPECT_EQ(theta[1], 1);
  Values z(1);
  EXPECT_TRUE(target->unconstrain(theta, z));
  EXPECT_NEAR(z[0], std::log(3.0), 1e-15);
  EXPECT_THROW(
      make_constrained_target({{"none", {0}, Constraint::real()}}, [](auto, auto) { return 0.0; }),
      Error);
}

TEST(Constraints, SpansOfOtherSizesAreRefused) {
  const auto refused = [](auto&& call, const char* what) {
    try {
      call();
      ADD_FAILURE() << what;
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.kind()), 64) << what;
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
    }
  };
  const Parameter p{"s", {3}, Constraint::simplex()};
  for (const std::size_t size : {0U, 2U, 4U}) {
    const Values theta(size, 0.25);
    Values y(2);
    Values out(size);
    refused([&] { unconstrain(p, theta, y); }, "parameter s: theta has");
    refused([&] { constrain(p, y, out); }, "parameter s: theta has");
    refused([&] { constrain_adjoint(p, y, theta, 1, y); }, "parameter s: theta_bar has");
  }
  for (const std::size_t size : {0U, 1U, 3U}) {
    const Values theta(3, 1.0 / 3);
    Values y(size);
    Values two(2);
    Values out(3);
    refused([&] { unconstrain(p, theta, y); }, "parameter s: y has");
    refused([&] { constrain(p, y, out); }, "parameter s: y has");
    refused([&] { constrain_adjoint(p, y, theta, 1, two); }, "parameter s: y has");
    refused([&] { constrain_adjoint(p, two, theta, 1, y); }, "parameter s: y_bar has");
  }
}

TEST(Constraints, InversesOfWhatIsOutsideAreNotFinite) {
  const auto refused = [](const Parameter& p, const Values& theta) {
    Values y(unconstrained_size(p));
    unconstrain(p, theta, y);
    EXPECT_FALSE(std::all_of(y.begin(), y.end(), [](double x) { return std::isfinite(x); }))
        << text(p);
  };
  refused({"x", {}, Constraint::lower(1)}, {0.5});
  refused({"x", {}, Constraint::upper(1)}, {1.5});
  refused({"x", {}, Constraint::interval(0, 1)}, {1.5});
  refused({"x", {}, Constraint::interval(0, 1)}, {-0.5});
  refused({"x", {3}, Constraint::simplex()}, {0.5, 0.7, -0.2});
  refused({"x", {2}, Constraint::ordered()}, {1, 0.5});
  refused({"x", {2}, Constraint::positive_ordered()}, {-1, 0.5});
  refused({"x", {2, 2}, Constraint::cholesky_corr()}, {1, 0.5, 0, -0.5});
  refused({"x", {2, 2}, Constraint::corr_matrix()}, {1, 2, 2, 1});
  refused({"x", {2, 2}, Constraint::cholesky_cov()}, {1, 0.5, 0, -0.5});
  refused({"x", {2, 2}, Constraint::cov_matrix()}, {1, 2, 2, 1});
}

// The order of y and the formulas, worked out by hand.
TEST(Constraints, AreThoseOfStan) {
  const double s1 = 1 / (1 + std::exp(-(1 - std::log(2.0))));
  const double s2 = 1 / (1 + std::exp(2.0));
  const auto simplex = constrained({"x", {3}, Constraint::simplex()}, {1, -2});
  EXPECT_NEAR(simplex.theta[0], s1, 1e-15);
  EXPECT_NEAR(simplex.theta[1], (1 - s1) * s2, 1e-15);
  EXPECT_NEAR(simplex.theta[2], (1 - s1) * (1 - s2), 1e-15);
  const auto even = constrained({"x", {5}, Constraint::simplex()}, {0, 0, 0, 0});
  for (const double x : even.theta) EXPECT_NEAR(x, 0.2, 1e-15);

  const auto ordered = constrained({"x", {3}, Constraint::ordered()}, {-1, 0.5, 2});
  EXPECT_NEAR(ordered.theta[2], -1 + std::exp(0.5) + std::exp(2.0), 1e-14);
  EXPECT_NEAR(ordered.log_det, 2.5, 1e-15);
  EXPECT_NEAR(constrained({"x", {2}, Constraint::positive_ordered()}, {-1, 0.5}).log_det, -0.5,
              1e-15);
  EXPECT_NEAR(constrained({"x", {}, Constraint::upper(3)}, {0.5}).theta[0], 3 - std::exp(0.5),
              1e-15);
  EXPECT_NEAR(constrained({"x", {}, Constraint::interval(2, 4)}, {0.5}).theta[0],
              2 + 2 / (1 + std::exp(-0.5)), 1e-15);

  // Row by row: y = (L21, L31, L32), through tanh; the matrix column by column.
  const double w1 = std::tanh(0.3);
  const double w2 = std::tanh(-0.6);
  const double w3 = std::tanh(1.1);
  const auto corr = constrained({"x", {3, 3}, Constraint::cholesky_corr()}, {0.3, -0.6, 1.1});
  EXPECT_NEAR(corr.theta[1], w1, 1e-15);
  EXPECT_NEAR(corr.theta[2], w2, 1e-15);
  EXPECT_NEAR(corr.theta[4], std::sqrt(1 - w1 * w1), 1e-15);
  EXPECT_NEAR(corr.theta[5], w3 * std::sqrt(1 - w2 * w2), 1e-15);
  EXPECT_NEAR(corr.theta[8], std::sqrt((1 - w2 * w2) * (1 - w3 * w3)), 1e-15);
  const auto cov = constrained({"x", {2, 2}, Constraint::cholesky_cov()}, {0.3, -0.6, 1.1});
  EXPECT_NEAR(cov.theta[0], std::exp(0.3), 1e-15);
  EXPECT_EQ(cov.theta[1], -0.6);
  EXPECT_EQ(cov.theta[2], 0);
  EXPECT_NEAR(cov.theta[3], std::exp(1.1), 1e-15);
}

// No overflow to NaN where there is an answer: any y up to 700, all of one sign or in turns.
TEST(Constraints, StayFiniteFarOut) {
  for (const auto& p : parameters()) {
    const std::size_t n = unconstrained_size(p);
    const bool squares = p.constraint.kind() == Kind::cov_matrix;
    for (const double size : {40.0, 350.0, 700.0}) {
      for (const int pattern : {0, 1, 2, 3}) {
        Values y(n);
        for (std::size_t i = 0; i < n; ++i) {
          const bool negative =
              pattern == 0 || (pattern == 1 && i % 2 == 0) || (pattern == 2 && i % 2 == 1);
          y[i] = negative ? -size : size;
        }
        const auto c = constrained(p, y);
        EXPECT_TRUE(std::isfinite(c.log_det)) << text(p) << " " << size;
        for (const double x : c.theta) {
          EXPECT_TRUE(squares ? !std::isnan(x) : std::isfinite(x)) << text(p) << " " << size;
        }
        Values y_bar(n);
        constrain_adjoint(p, y, Values(c.theta.size(), 0.5), 1, y_bar);
        for (const double x : y_bar) {
          EXPECT_TRUE(squares ? !std::isnan(x) : std::isfinite(x)) << text(p) << " " << size;
        }
      }
    }
  }
  // The far tails are exact, not merely finite.
  EXPECT_NEAR(constrained({"x", {}, Constraint::interval(0, 1)}, {-700}).theta[0], std::exp(-700.0),
              1e-12 * std::exp(-700.0));
  EXPECT_EQ(constrained({"x", {}, Constraint::interval(0, 1)}, {700}).log_det, -700);
  const auto simplex = constrained({"x", {3}, Constraint::simplex()}, {-600, 5});
  EXPECT_NEAR(std::log(simplex.theta[0]), -600 - std::log(2.0), 1e-11);
  const auto corr = constrained({"x", {2, 2}, Constraint::cholesky_corr()}, {500});
  EXPECT_NEAR(std::log(corr.theta[3]), std::log(2.0) - 500, 1e-11);
  EXPECT_NEAR(corr.log_det, 2 * std::log(2.0) - 1000, 1e-11);
}

TEST(Constraints, NaNComesThrough) {
  for (const auto& p : parameters()) {
    const std::size_t n = unconstrained_size(p);
    for (std::size_t i = 0; i < n; ++i) {
      Values y(n, 0.5);
      y[i] = std::nan("");
      const auto theta = constrained(p, y).theta;
      EXPECT_TRUE(std::any_of(theta.begin(), theta.end(), [](double x) { return std::isnan(x); }))
          << text(p);
    }
  }
}

TEST(Constraints, RefuseShapesAndBoundsThatMakeNoSense) {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::nan("");
  const std::vector<Parameter> bad{
      {"x", {0}, Constraint::simplex()},         {"x", {}, Constraint::simplex()},
      {"x", {2, 2}, Constraint::ordered()},      {"x", {3}, Constraint::corr_matrix()},
      {"x", {2, 3}, Constraint::cholesky_cov()}, {"x", {2, 0}, Constraint::cholesky_cov()},
      {"x", {}, Constraint::lower(-inf)},        {"x", {}, Constraint::lower(nan)},
      {"x", {}, Constraint::upper(inf)},         {"x", {}, Constraint::interval(1, 1)},
      {"x", {}, Constraint::interval(2, 1)},     {"x", {}, Constraint::interval(0, inf)},
      {"x", {}, Constraint::interval(nan, 1)},   {"x", {}, Constraint::interval(-1.7e308, 1.7e308)},
  };
  for (const auto& p : bad) {
    EXPECT_THROW(constrained_size(p), Error) << text(p);
    EXPECT_THROW(unconstrained_size(p), Error) << text(p);
  }
}

// --- targets

/// ln ∫p(z) dz of a target over [-reach, reach]^n, by the trapezoid rule.
double log_integral(const Target& target, double reach, double step) {
  const std::size_t n = target.dim();
  const auto cells = static_cast<std::size_t>(2 * reach / step) + 1;
  std::size_t points = 1;
  for (std::size_t d = 0; d < n; ++d) points *= cells;
  TileBuffer<double> z(n);
  TileBuffer<double> gradient(n);
  Values log_density(tile_size);
  double sum = 0;
  for (std::size_t first = 0; first < points; first += tile_size) {
    const std::size_t count = std::min(tile_size, points - first);
    for (std::size_t s = 0; s < count; ++s) {
      std::size_t at = first + s;
      for (std::size_t d = 0; d < n; ++d) {
        z.row(d)[s] = -reach + step * static_cast<double>(at % cells);
        at /= cells;
      }
    }
    target.evaluate(std::as_const(z).view(count), std::span(log_density).first(count),
                    gradient.view(count));
    for (std::size_t s = 0; s < count; ++s) sum += std::exp(log_density[s]);
  }
  return std::log(sum) + static_cast<double>(n) * std::log(step);
}

/// A density that is 1 all over the space: its integral is the space's volume.
double uniform(std::span<const double>, std::span<double> gradient) {
  std::fill(gradient.begin(), gradient.end(), 0.0);
  return 0;
}

double volume(const Parameter& p, double reach, double step) {
  return std::exp(log_integral(*make_constrained_target({p}, uniform), reach, step));
}

TEST(ConstrainedTarget, SpacesHaveTheirVolumes) {
  EXPECT_NEAR(volume({"x", {}, Constraint::interval(-2, 5)}, 45, 0.05), 7, 1e-11);
  EXPECT_NEAR(volume({"x", {2}, Constraint::interval(-2, 5)}, 45, 0.2), 49, 1e-9);
  EXPECT_NEAR(volume({"x", {2}, Constraint::simplex()}, 45, 0.05), 1, 1e-12);
  EXPECT_NEAR(volume({"x", {3}, Constraint::simplex()}, 45, 0.2), 0.5, 1e-10);
  EXPECT_NEAR(volume({"x", {4}, Constraint::simplex()}, 24, 0.4), 1.0 / 6, 1e-7);
  EXPECT_NEAR(volume({"x", {2, 2}, Constraint::cholesky_corr()}, 20, 0.05), 2, 1e-11);
  EXPECT_NEAR(volume({"x", {2, 2}, Constraint::corr_matrix()}, 20, 0.05), 2, 1e-11);
  // (-1, 1) times the unit disc; and the correlation matrices of three.
  const double pi = std::numbers::pi;
  EXPECT_NEAR(volume({"x", {3, 3}, Constraint::cholesky_corr()}, 10, 0.2), 2 * pi, 1e-6);
  EXPECT_NEAR(volume({"x", {3, 3}, Constraint::corr_matrix()}, 10, 0.2), pi * pi / 2, 1e-6);
}

TEST(ConstrainedTarget, DensitiesOnUnboundedSpacesStayNormalised) {
  const auto exponential = [](double sign, double bound) {
    return [=](std::span<const double> x, std::span<double> gradient) {
      gradient[0] = -sign;
      return -sign * (x[0] - bound);
    };
  };
  const auto of = [](const Parameter& p, const LogDensity& f, double reach, double step) {
    return log_integral(*make_constrained_target({p}, f), reach, step);
  };
  EXPECT_NEAR(of({"x", {}, Constraint::lower(2)}, exponential(1, 2), 40, 0.05), 0, 1e-12);
  EXPECT_NEAR(of({"x", {}, Constraint::upper(2)}, exponential(-1, 2), 40, 0.05), 0, 1e-12);
  // Independent normals in order have 1/3! of the mass; two exponentials in order a half.
  const auto normals = [](std::span<const double> x, std::span<double> gradient) {
    double sum = 0;
    for (std::size_t d = 0; d < x.size(); ++d) {
      gradient[d] = -x[d];
      sum -= 0.5 * x[d] * x[d] + 0.5 * std::log(2 * std::numbers::pi);
    }
    return sum;
  };
  EXPECT_NEAR(of({"x", {2}, Constraint::ordered()}, normals, 40, 0.05), -std::log(2.0), 1e-11);
  EXPECT_NEAR(of({"x", {3}, Constraint::ordered()}, normals, 22, 0.2), -std::log(6.0), 1e-8);
  const auto exponentials = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = gradient[1] = -1;
    return -x[0] - x[1];
  };
  EXPECT_NEAR(of({"x", {2}, Constraint::positive_ordered()}, exponentials, 40, 0.05),
              -std::log(2.0), 1e-11);
  // Wishart's density of two rows and ν = 5: ∫ |Σ|^((ν-3)/2) e^(-tr Σ/2) = 2^ν Γ_2(ν/2).
  const auto log_wishart =
      5 * std::log(2.0) + 0.5 * std::log(std::numbers::pi) + std::lgamma(2.5) + std::lgamma(2.0);
  const auto wishart = [](std::span<const double> x, std::span<double>) {
    const double det = x[0] * x[3] - x[1] * x[2];
    return std::log(det) - 0.5 * (x[0] + x[3]);
  };
  EXPECT_NEAR(of({"x", {2, 2}, Constraint::cov_matrix()}, wishart, 12, 0.1), log_wishart, 1e-9);
  const auto by_factor = [](std::span<const double> l, std::span<double>) {
    const double a = l[0];
    const double b = l[1];
    const double c = l[3];
    // The Jacobian of Σ = L Lᵀ is 4 a² c.
    return 2 * std::log(a * c) - 0.5 * (a * a + b * b + c * c) + std::log(4 * a * a * c);
  };
  EXPECT_NEAR(of({"x", {2, 2}, Constraint::cholesky_cov()}, by_factor, 12, 0.1), log_wishart, 1e-9);
}

std::vector<Parameter> model() {
  return {{"mu", {}, Constraint::real()},
          {"sigma", {2}, Constraint::lower(0)},
          {"p", {3}, Constraint::simplex()},
          {"L", {2, 2}, Constraint::cholesky_corr()},
          {"a", {2, 3}, Constraint::interval(-1, 1)}};
}

/// ln p = Σ_e c_e θ_e - ½ Σ_e θ_e²/(1 + e), every element for itself.
double smooth(std::span<const double> theta, std::span<double> gradient) {
  double sum = 0;
  for (std::size_t e = 0; e < theta.size(); ++e) {
    const double c = std::sin(1.0 + static_cast<double>(e));
    const double precision = 1 / (1 + static_cast<double>(e));
    sum += c * theta[e] - 0.5 * precision * theta[e] * theta[e];
    gradient[e] = c - precision * theta[e];
  }
  return sum;
}

TEST(ConstrainedTarget, HasNamesInColumnMajorOrder) {
  const auto target = make_constrained_target(model(), smooth);
  EXPECT_EQ(target->dim(), 1U + 2U + 2U + 1U + 6U);
  EXPECT_EQ(target->parameter_names(),
            (std::vector<std::string>{"mu", "sigma.1", "sigma.2", "p.1", "p.2", "p.3", "L.1.1",
                                      "L.2.1", "L.1.2", "L.2.2", "a.1.1", "a.2.1", "a.1.2", "a.2.2",
                                      "a.1.3", "a.2.3"}));
  EXPECT_EQ(target->parameter_count(), 16U);
  EXPECT_FALSE(target->log_z());
  EXPECT_EQ(make_constrained_target(model(), smooth, 2.5)->log_z(), 2.5);
}

TEST(ConstrainedTarget, LeadsParametersBack) {
  const auto target = make_constrained_target(model(), smooth);
  Random random(58);
  Values y(target->dim());
  for (double& x : y) x = random.normal();
  Values theta(target->parameter_count());
  target->constrain(y, theta);
  Values again(y.size());
  ASSERT_TRUE(target->unconstrain(theta, again));
  for (std::size_t d = 0; d < y.size(); ++d) EXPECT_NEAR(again[d], y[d], 1e-9) << d;
}

TEST(UserTarget, LeadsBackWhereItsParametersAreZAlone) {
  class Halved : public Target {
   public:
    std::size_t dim() const override { return 1; }
    void evaluate(Tile<const double>, std::span<double>, Tile<double>) const override {}
    void constrain(std::span<const double> z, std::span<double> theta) const override {
      theta[0] = z[0] / 2;
    }
  };
  std::vector<double> z(1);
  EXPECT_FALSE(Halved().unconstrain(std::vector<double>{3}, z));
  const auto plain = make_target(1, [](auto, auto) { return 0.0; });
  EXPECT_TRUE(plain->unconstrain(std::vector<double>{3}, z));
  EXPECT_EQ(z[0], 3);
}

TEST(ConstrainedTarget, IsTheDensityAndTheJacobian) {
  const auto target = make_constrained_target(model(), smooth);
  const std::size_t n = target->dim();
  constexpr std::size_t count = 7;
  Random random(57);
  TileBuffer<double> z(n);
  TileBuffer<double> gradient(n);
  Values log_density(count);
  for (std::size_t d = 0; d < n; ++d) {
    for (std::size_t s = 0; s < count; ++s) z.row(d)[s] = random.normal();
  }
  target->evaluate(std::as_const(z).view(count), log_density, gradient.view(count));
  const auto value = [&](Values y) {
    Values theta(16);
    target->constrain(y, theta);
    Values unused(16);
    double sum = smooth(theta, unused);
    std::size_t start = 0;
    for (const auto& p : model()) {
      const Values part(y.begin() + static_cast<std::ptrdiff_t>(start),
                        y.begin() + static_cast<std::ptrdiff_t>(start + unconstrained_size(p)));
      sum += constrained(p, part).log_det;
      start += part.size();
    }
    return sum;
  };
  for (std::size_t s = 0; s < count; ++s) {
    Values y(n);
    for (std::size_t d = 0; d < n; ++d) y[d] = z.row(d)[s];
    EXPECT_NEAR(log_density[s], value(y), 1e-13) << s;
    for (std::size_t d = 0; d < n; ++d) {
      const auto at = [&](double step) {
        auto moved = y;
        moved[d] += step;
        return value(moved);
      };
      constexpr double h = 1e-3;
      const double slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      EXPECT_NEAR(gradient.row(d)[s], slope, 1e-9 * (1 + std::abs(slope))) << s << " " << d;
    }
  }
}

TEST(ConstrainedTarget, SaysWhereThetaOverflows) {
  bool called = false;
  const auto target = make_constrained_target({{"sigma", {}, Constraint::lower(0)}},
                                              [&](auto, std::span<double> gradient) {
                                                called = true;
                                                gradient[0] = 0;
                                                return 0.0;
                                              });
  TileBuffer<double> z(1);
  TileBuffer<double> gradient(1);
  Values log_density(1);
  z.row(0)[0] = 800;
  target->evaluate(std::as_const(z).view(1), log_density, gradient.view(1));
  EXPECT_TRUE(std::isnan(log_density[0]));
  EXPECT_FALSE(called);
  z.row(0)[0] = 700;
  target->evaluate(std::as_const(z).view(1), log_density, gradient.view(1));
  EXPECT_EQ(log_density[0], 700);
  EXPECT_TRUE(called);
}

TEST(ConstrainedTarget, RefusesNamesAndEmptyModels) {
  const auto make = [](std::vector<Parameter> p) {
    make_constrained_target(std::move(p), uniform);
  };
  EXPECT_THROW(make({}), Error);
  EXPECT_THROW(make({{"x", {1}, Constraint::simplex()}}), Error);
  EXPECT_THROW(make({{"", {}, Constraint::real()}}), Error);
  EXPECT_THROW(make({{"a,b", {}, Constraint::real()}}), Error);
  EXPECT_THROW(make({{"a\n", {}, Constraint::real()}}), Error);
  EXPECT_THROW(make({{"a", {}, Constraint::real()}, {"a", {}, Constraint::real()}}), Error);
}

}  // namespace
}  // namespace riffle::test
