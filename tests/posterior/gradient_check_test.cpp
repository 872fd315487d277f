// The comparison of gradients with differences: what it must find, and where it must say nothing.

#include "posterior/gradient_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "posterior/densities.h"

namespace riffle::test {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

using Function = OwnDensity::Function;

/// For several seeds, which choose the points.
void for_seeds(const std::string& name, Index dim, const Function& function,
               const std::function<void(const GradientCheck&)>& expect) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(name + ", seed " + std::to_string(seed));
    const OwnDensity density(static_cast<std::size_t>(dim), function);
    expect(check_gradient(PointDensity(density), seed));
  }
}

void expect_silence(const std::string& name, Index dim, const Function& function) {
  for_seeds(name, dim, function, [](const GradientCheck& check) {
    EXPECT_FALSE(check.fault) << check.fault->coordinate << " at " << check.fault->at << ": "
                              << check.fault->given << ", not " << check.fault->difference;
    EXPECT_EQ(check.wrong, 0U);
    EXPECT_LE(check.evaluations, 500U);
  });
}

double standard(const VectorXd& z, VectorXd& gradient) {
  gradient = -z;
  return -z.squaredNorm() / 2;
}

TEST(GradientCheck, ARightOneIsRight) {
  for (const Index dim : {1, 2, 8, 9, 100}) {
    for_seeds("normal", dim, standard, [&](const GradientCheck& check) {
      EXPECT_FALSE(check.fault);
      EXPECT_EQ(check.compared, 2U * static_cast<std::size_t>(std::min<Index>(dim, 8)));
    });
  }
}

TEST(GradientCheck, AWrongOneIsFoundWithItsFigures) {
  struct Case {
    const char* name;
    double factor;
  };
  for (const Case& c : {Case{"sign", -1}, Case{"none", 0}, Case{"half", 0.5}, Case{"double", 2},
                        Case{"a tenth less", 0.9}}) {
    for (const Index dim : {1, 2, 9, 100}) {
      for_seeds(
          c.name, dim,
          [&](const VectorXd& z, VectorXd& gradient) {
            const double value = standard(z, gradient);
            gradient *= c.factor;
            return value;
          },
          [&](const GradientCheck& check) {
            ASSERT_TRUE(check.fault);
            EXPECT_NEAR(check.fault->difference, -check.fault->at, 1e-3);
            EXPECT_EQ(check.fault->given, -c.factor * check.fault->at);
            EXPECT_EQ(check.wrong, check.compared);
          });
    }
  }
}

// Among very many, one may be too little of the slope over all.
TEST(GradientCheck, OneWrongCoordinateOfManyIsFound) {
  for (const Index dim : {3, 40, 1000}) {
    const Index wrong = dim / 2;
    int found = 0;
    for_seeds(
        "one of " + std::to_string(dim), dim,
        [&](const VectorXd& z, VectorXd& gradient) {
          gradient = -z.array() - 1;
          gradient[wrong] *= -1;
          return -z.squaredNorm() / 2 - z.sum();
        },
        [&](const GradientCheck& check) {
          if (!check.fault) return;
          EXPECT_EQ(check.fault->coordinate, static_cast<std::size_t>(wrong));
          ++found;
        });
    EXPECT_GE(found, dim < 10 ? 20 : 15) << dim;
  }
}

TEST(GradientCheck, FoundBesideConstantsAndAtAnyScale) {
  for (const double scale : {1e-150, 1e-8, 1e8, 1e150}) {
    for_seeds(
        "scale", 2,
        [&](const VectorXd& z, VectorXd& gradient) {
          gradient = z * scale;
          return -scale * z.squaredNorm() / 2;
        },
        [](const GradientCheck& check) { EXPECT_TRUE(check.fault); });
  }
  for_seeds(
      "constant", 2,
      [](const VectorXd& z, VectorXd& gradient) {
        gradient = z;
        return -z.squaredNorm() / 2 - 1000;
      },
      [](const GradientCheck& check) { EXPECT_TRUE(check.fault); });
}

TEST(GradientCheck, NoFalseAlarms) {
  expect_silence("laplace", 2, [](const VectorXd& z, VectorXd& gradient) {
    for (Index d = 0; d < z.size(); ++d) gradient[d] = z[d] > 0 ? -1 : 1;
    return -z.array().abs().sum();
  });
  expect_silence("many kinks", 30, [](const VectorXd& z, VectorXd& gradient) {
    double value = 0;
    for (Index d = 0; d < z.size(); ++d) {
      const double x = 7 * z[d];
      gradient[d] = std::fmod(std::abs(x), 2) < 1 ? 7 : -7;
      if (x < 0) gradient[d] *= -1;
      const double within = std::fmod(std::abs(x), 2);
      value += within < 1 ? within : 2 - within;
    }
    return value;
  });
  expect_silence("steps", 2, [](const VectorXd& z, VectorXd& gradient) {
    gradient.setZero();
    return -(10 * z.array().abs()).floor().sum();
  });
  expect_silence("cauchy", 2, [](const VectorXd& z, VectorXd& gradient) {
    gradient = -2 * z.array() / (1 + z.array().square());
    return -(1 + z.array().square()).log().sum();
  });
  expect_silence("box", 2, [](const VectorXd& z, VectorXd& gradient) {
    gradient.setZero();
    return z.minCoeff() > 0 && z.maxCoeff() < 1 ? 0 : -inf;
  });
  expect_silence("flat", 2, [](const VectorXd&, VectorXd& gradient) {
    gradient.setZero();
    return 0.0;
  });
  expect_silence("nowhere", 2, [](const VectorXd&, VectorXd&) { return nan; });
  for (const double size : {1e-12, 1e-6, 1e-3, 1.0, 1e3, 1e9}) {
    Random random(7);
    expect_silence("noise", 2, [&](const VectorXd& z, VectorXd& gradient) {
      return standard(z, gradient) + size * (random.uniform(-1, 1));
    });
  }
  for (const double constant : {1e6, 1e9, 1e12, 1e15, 1e300}) {
    expect_silence("constant", 2, [&](const VectorXd& z, VectorXd& gradient) {
      return standard(z, gradient) + constant;
    });
    expect_silence("centre", 2, [&](const VectorXd& z, VectorXd& gradient) {
      gradient = constant - z.array();
      return -gradient.squaredNorm() / 2;
    });
  }
  for (const double scale : {1e-300, 1e-150, 1e-20, 1e20, 1e150, 1e300}) {
    expect_silence("scale", 2, [&](const VectorXd& z, VectorXd& gradient) {
      gradient = -z * scale;
      return -scale * z.squaredNorm() / 2;
    });
    expect_silence("scales", 2, [&](const VectorXd& z, VectorXd& gradient) {
      gradient[0] = -z[0] * scale;
      gradient[1] = -z[1] / scale;
      return -(scale * z[0] * z[0] + z[1] * z[1] / scale) / 2;
    });
  }
  for (const double constant : {0.0, 10.0, 1e3, 1e5}) {
    expect_silence("single precision", 5, [&](const VectorXd& z, VectorXd& gradient) {
      const double value = standard(z, gradient);
      gradient = gradient.cast<float>().cast<double>();
      return static_cast<double>(static_cast<float>(value + constant));
    });
  }
  expect_silence("narrow", 2, [](const VectorXd& z, VectorXd& gradient) {
    const Eigen::ArrayXd x = (z.array() - 0.3) / 1e-9;
    gradient = -2 * x / (1 + x.square()) / 1e-9;
    return -(1 + x.square()).log().sum();
  });
  expect_silence("steep", 2, [](const VectorXd& z, VectorXd& gradient) {
    const Eigen::ArrayXd r = (20 * z.array()).exp();
    gradient = -20 * r;
    return -r.sum();
  });
  expect_silence("waves", 2, [](const VectorXd& z, VectorXd& gradient) {
    gradient = 300 * (300 * z.array()).cos();
    return (300 * z.array()).sin().sum();
  });
}

TEST(GradientCheck, EndsWhenToldTo) {
  const OwnDensity density(1000, standard);
  EXPECT_EQ(check_gradient(PointDensity(density), 1, [] { return true; }).evaluations, 0U);
}

}  // namespace
}  // namespace riffle::test
