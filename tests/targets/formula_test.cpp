// Formulas: what they mean, their gradients on every instruction set, and what is refused.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/names.h"
#include "riffle/error.h"
#include "riffle/formula.h"
#include "support/effort.h"
#include "targets/formula/formula.h"
#include "targets/target_checks.h"

namespace riffle::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Formula log_density(std::string_view text, std::vector<std::string> names = {}) {
  return parse_formula(text, FormulaKind::log_density, names, "formula");
}
Formula density(std::string_view text, std::vector<std::string> names = {}) {
  return parse_formula(text, FormulaKind::density, names, "formula");
}

/// ln p at one point, on one instruction set.
template <class T = double>
double value(const Formula& formula, std::vector<double> point,
             InstructionSet set = InstructionSet::scalar()) {
  return static_cast<double>(
      values_at(*make_formula_density<T>(formula, set), {std::move(point)}).log_density[0]);
}

struct Value {
  const char* text;
  double expected;
};

// Of x = 3, y = -2.
const Value table[] = {
    {"x+y*2", -1},
    {"-x^2", -9},
    {"2^3^2 + x", 515},
    {"2**3**2 + x", 515},
    {"-2^-2*x", -0.75},
    {"2^-x", 0.125},
    {"x - 1 - 1 + y", -1},
    {"x/2/y", -0.75},
    {"2*-x", -6},
    {"--x", 3},
    {"+x", 3},
    {"x - -y", 1},
    {"1e-3*x + 1.5e+2*x + .5*x + 2.*x", 457.503},
    {"(x+y)*(x-y)", 5},
    {"x−y·2×x", 15},
    {"r = x^2 + y^2; sqrt(r + 3)", 4},
    {"r = x; r2 = r*r; r2 + y;", 7},
    {"# a comment\n x # and more\n + y", 1},
    {"x > y ? x : y", 3},
    {"x < y ? x : x == 3 ? 10*y : y", -20},
    {"x >= 3 && y <= -2 ? 1+x : 2", 4},
    {"x > 3 || y < -2 ? 1+x : 2+x", 5},
    {"!(x > 3) ? x : y", 3},
    {"!x ? x : y", -2},
    {"(x > 0) * x + (y != -2)", 3},
    {"where(y < 0, x*y, x/y)", -6},
    {"x && y ? x : y", 3},
    {"exp(x)", std::exp(3)},
    {"e^x", std::exp(3)},
    {"log(x) + ln(x)", 2 * std::log(3)},
    {"log2(x + 5) + log10(100*x/3)", 5},
    {"log1p(x)", std::log(4)},
    {"log1p(1e-12*x)", std::log1p(3e-12)},
    {"expm1(1e-12*x)", std::expm1(3e-12)},
    {"expm1(y)", std::expm1(-2)},
    {"log(exp(-1000*x))", -3000},
    {"log(exp(1000*x) + exp(1000*x))", 3000 + std::numbers::ln2},
    {"sqrt(x) + square(y)", std::sqrt(3) + 4},
    {"pow(x, y) + x^2.5 + x^x", 1.0 / 9 + std::pow(3, 2.5) + 27},
    {"x^7 + y^-3 + y^3", 2187 - 0.125 - 8},
    {"x^0.5 + x^-0.5", std::sqrt(3) + 1 / std::sqrt(3)},
    {"abs(y) + sign(y) + sign(x) + sign(0*x)", 2},
    {"min(x, y, 5) + max(x, y, 2) + min(x) + max(y)", 2},
    {"hypot(x, y) + hypot(x, y, 6)", std::sqrt(13) + 7},
    {"sin(x) + cos(y) + tan(x)", std::sin(3) + std::cos(-2) + std::tan(3)},
    {"sin(1e6*x) + cos(1e7*y)", std::sin(3e6) + std::cos(2e7)},
    {"asin(x/4) + acos(y/4) + atan(x)", std::asin(0.75) + std::acos(-0.5) + std::atan(3)},
    {"atan2(y, x)", std::atan2(-2, 3)},
    {"sinh(x) + cosh(y)", std::sinh(3) + std::cosh(2)},
    {"sinh(1e-9*x)", 3e-9},
    {"tanh(y)", std::tanh(-2)},
    {"erf(x/3) + erfc(y)", std::erf(1) + std::erfc(-2)},
    {"normal_cdf(y) + Phi(x)",
     0.5 * std::erfc(std::numbers::sqrt2) + 0.5 * std::erfc(-3 / std::numbers::sqrt2)},
    {"log(erfc(20*x))", -3604.6668483458434},
    {"lgamma(x + 2.5)", std::lgamma(5.5)},
    {"logistic(y) + inv_logit(x)", 1 / (1 + std::exp(2.0)) + 1 / (1 + std::exp(-3.0))},
    {"log(logistic(-1000*x))", -3000},
    {"softplus(y) + log1p_exp(x)", std::log1p(std::exp(-2.0)) + 3 + std::log1p(std::exp(-3.0))},
    {"logsumexp(x, y)", 3 + std::log1p(std::exp(-5.0))},
    {"log_sum_exp(x, y, 1)", 3 + std::log1p(std::exp(-5.0) + std::exp(-2.0))},
    {"logsumexp(x, x, x)", 3 + std::log(3)},
    {"log_diff_exp(x, y)", 3 + std::log1p(-std::exp(-5.0))},
    {"log(exp(x) - exp(y))", 3 + std::log1p(-std::exp(-5.0))},
    {"log(3*exp(-900+x) - exp(-900-x))", -900 + std::log(3 * std::exp(3.0) - std::exp(-3.0))},
    {"normal_lpdf(x, y, 2)", -0.5 * 6.25 - std::log(2) - 0.5 * std::log(2 * std::numbers::pi)},
    {"log(normal_pdf(100*x, 0, 1))", -45000 - 0.5 * std::log(2 * std::numbers::pi)},
    {"student_t_lpdf(x, 4, 1, 2)", -2.2318353118571954},
    {"cauchy_lpdf(x, 1, 2)", -std::log(2 * std::numbers::pi) - std::log(2)},
    {"exponential_lpdf(x, 2)", std::log(2) - 6},
    {"exponential_lpdf(y, 2)", -infinity},
    {"pi*x + e", 3 * std::numbers::pi + std::numbers::e},
};

TEST(Formula, MeansWhatMathematicsMeans) {
  for (const auto& [text, expected] : table) {
    const auto formula = log_density(text);
    std::vector<double> point;
    for (const auto& name : formula.coordinates) point.push_back(name == "x" ? 3 : -2);
    for (const auto set : InstructionSet::available()) {
      const double got = value(formula, point, set);
      if (std::isinf(expected)) {
        EXPECT_EQ(got, expected) << text << " on " << set.name();
      } else {
        EXPECT_NEAR(got, expected, 4e-14 * std::abs(expected)) << text << " on " << set.name();
      }
    }
  }
}

TEST(Formula, CoordinatesAreTheFreeNamesAsTheyAppear) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(density("exp(-b^2 - a^2)").coordinates, (Names{"b", "a"}));
  EXPECT_EQ(density("s = 2*mu; exp(-s^2 - theta_1^2)").coordinates, (Names{"mu", "theta_1"}));
  EXPECT_EQ(density("exp(-μ^2)").coordinates, (Names{"μ"}));
  EXPECT_EQ(density("exp(-b^2 - a^2)", {"a", "b"}).coordinates, (Names{"a", "b"}));
  // A coordinate may be called e where that is said.
  EXPECT_DOUBLE_EQ(value(log_density("-e^2", {"e"}), {3}), -9);
  EXPECT_EQ(parse_coordinates(" x, y ,z1", "c"), (Names{"x", "y", "z1"}));
  EXPECT_EQ(parse_coordinates("", "c"), Names{});
  const auto target = formula_target("exp(-b^2 - a^2)");
  EXPECT_EQ(target->parameter_names(), (Names{"b", "a"}));
  EXPECT_TRUE(target->thread_safe());
}

/// Far out, where p itself is 0 in double precision.
TEST(Formula, TheLogarithmOfADensityDoesNotVanishWithIt) {
  const char* crescents =
      "exp(-0.5*((sqrt(x^2+y^2)-4)/0.4)^2) * (exp(-0.5*((x-2)/0.8)^2) + exp(-0.5*((x+2)/0.8)^2))";
  const auto& entry = find_by_name(target_registry(), "crescents", "target");
  const auto built_in = entry.make<double>(default_options(entry, InstructionSet::scalar()));
  const auto formula = make_formula_density<double>(density(crescents), InstructionSet::scalar());
  const auto points = test_points(2, 200);
  const auto a = values_at(*built_in, points);
  const auto b = values_at(*formula, points);
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_NEAR(a.log_density[i], b.log_density[i], 1e-13 * (1 + std::abs(a.log_density[i])));
    for (std::size_t d = 0; d < 2; ++d) {
      EXPECT_NEAR(a.gradient[i][d], b.gradient[i][d], 1e-12 * (1 + std::abs(a.gradient[i][d])));
    }
  }

  struct Far {
    const char* text;
    double x;
    double expected;
  };
  const double r = 1e6;
  const Far far[] = {
      {"exp(-x^2)*2", r, -r * r + std::numbers::ln2},
      {"exp(-x^2)/exp(x)", r, -r * r - r},
      {"exp(-x^2)^3 * sqrt(exp(-x))", r, -3 * r * r - r / 2},
      {"(exp(-x) + exp(-2*x))^2", r, -2 * r},
      {"1/(exp(x) + exp(-x))", r, -r},
      {"1/cosh(x)", -r, -r + std::numbers::ln2},
      {"logistic(x)*logistic(-x)", r, -r},
      {"x^2*exp(-x^2)", r, 2 * std::log(r) - r * r},
      {"x^4*exp(-x^2)", -r, 4 * std::log(r) - r * r},
      {"exp(-x^2) - 0.5*exp(-2*x^2)", r, -r * r},
      {"exp(-x^2) * (1 - 0.5*exp(-x^2))", r, -r * r},
      {"x > 0 ? exp(-x) : exp(2*x)", r, -r},
      {"x > 0 ? exp(-x) : exp(2*x)", -r, -2 * r},
      {"max(exp(-x), exp(-2*x))", r, -r},
      {"min(exp(-x), exp(-2*x))", r, -2 * r},
      {"abs(exp(-x))", r, -r},
      {"1/3*exp(-x) + 1/3*exp(-x+1) + 1/3*exp(-x+2)", r,
       -r + std::log((1 + std::exp(1.0) + std::exp(2.0)) / 3)},
      {"normal_cdf(-x)*exp(-x)", 100, -5105.5242086942035},
      {"(1 + x^2)^-40", r, -40 * std::log1p(r * r)},
      {"2^(-x)", r, -r * std::numbers::ln2},
      {"exp(-x)*2 + 1e-7", r, std::log(1e-7)},
      {"g = exp(-x); h = g*g; h/2 + h/2", r, -2 * r},
  };
  for (const auto& [text, x, expected] : far) {
    EXPECT_NEAR(value(density(text), {x}), expected, 1e-13 * std::abs(expected)) << text;
  }
}

TEST(Formula, WhereADensityIsNoDensityItHasNoLogarithm) {
  EXPECT_EQ(value(density("(x > 0)*exp(-x)"), {-1}), -infinity);
  EXPECT_DOUBLE_EQ(value(density("(x > 0)*exp(-x)"), {2}), -2);
  EXPECT_TRUE(std::isnan(value(density("x*exp(-x^2)"), {-1})));
  EXPECT_TRUE(std::isnan(value(density("exp(-x^2) - exp(-2*x^2 + 1)"), {0.1})));
  EXPECT_TRUE(std::isnan(value(density("-exp(-x^2) + 1e-3"), {0.1})));
  EXPECT_TRUE(std::isnan(value(density("1 - x^2"), {1.5})));
  EXPECT_EQ(value(density("x^2*exp(-x^2)"), {0}), -infinity);
  // Negative times negative is positive, and an odd power keeps its sign.
  EXPECT_NEAR(value(density("x^3*y*exp(-x^2-y^2)"), {-2, -1}), std::log(8) - 5, 1e-13);
  EXPECT_TRUE(std::isnan(value(density("x^3*y*exp(-x^2-y^2)"), {2, -1})));
  EXPECT_NEAR(value(density("(-x)*exp(-x^2)"), {-2}), std::log(2) - 4, 1e-13);
  EXPECT_NEAR(value(density("(x*x)^0.5*exp(-x^2)"), {-2}), std::log(2) - 4, 1e-13);
  EXPECT_NEAR(value(density("-2*(-exp(-x))"), {900}), std::log(2) - 900, 1e-13);

  const auto target = formula_target("x*exp(-x^2 - y^2)");
  TileBuffer<double> z(2);
  TileBuffer<double> gradient(2);
  z.row(0)[0] = -3;
  z.row(1)[0] = 0.5;
  z.row(0)[1] = 2;
  z.row(1)[1] = 0.5;
  std::vector<double> log_p(2);
  target->evaluate(std::as_const(z).view(2), log_p, gradient.view(2));
  EXPECT_EQ(target->failures().count, 1U);
  EXPECT_EQ(target->failures().first_message,
            "the density is negative or has no value at x = -3, y = 0.5");
}

/// Every function and operator, with arguments that keep it smooth and in its range.
const char* const smooth[] = {
    "-x^2 - y^2 + x*y + x/(1 + y^2) - y",
    "-(x^2 + y^2)^3/1e3 + 1/(x^2 + 1)^2 + (y - x)^3/1e2",
    "exp(-(x - y)^2) + log(1 + x^2) + ln(2 + y^2) + log1p(x^2) + log1p(exp(y))",
    "expm1(-x^2) + expm1(tanh(y)) + sqrt(1 + x^2 + y^2) + square(x - y)",
    "sin(x) + cos(y) + sin(3*x*y/(1+x^2)) + tan(tanh(x))",
    "asin(0.9*tanh(x)) + acos(0.9*tanh(y)) + atan(x*y) + atan2(y + 3*exp(-x^2), 2 + x^2)",
    "sinh(tanh(x)*2) + cosh(tanh(y)) + tanh(x + y) + cosh(0.01*x)",
    "erf(x) + erfc(y) + log(erfc(x)) + log(normal_cdf(y)) + lgamma(1.5 + x^2) + lgamma(0.3 + y^2)",
    "logistic(x) + log(logistic(y)) + softplus(x - y)",
    "logsumexp(x, y) + logsumexp(-x, 2*y, 1, x*y) - x^2",
    "log(exp(-x^2) + exp(-y^2) + exp(-(x-y)^2)) + log(exp(x^2 + 1) - exp(-y^2))",
    "pow(1 + x^2, 1.5) + (1 + y^2)^tanh(x) + 2^tanh(y) + (1+x^2)^-0.5",
    "normal_lpdf(x, y, 2) + student_t_lpdf(x, 4, y, 2) + cauchy_lpdf(y, x, 3)",
    "r = hypot(1, x, y); s = r - 4; -s^2/2 + log(r)*s",
    "log_diff_exp(3 + x^2, tanh(y))",
    "x^2*exp(-x^2) + y",
};

/// And those that have sides.
const char* const sided[] = {
    "abs(x) + abs(y - 1) - x^2",
    "min(x, y) + max(x, 2*y, 1 - x^2)",
    "x > y ? -x^2 : -y^2 + 3*x",
    "where(x > 0, x*log(x), -x^2) + where(x < 1, sqrt(1 - x), x - 1) - y^2",
    "x > 0 && y < 2 || x < -3 ? sin(x)*y : cos(y)*x",
    "sqrt(x^2 + y^2)",
    "sign(x)*y^2 + (x > y)*x + sign(y)*x",
    "log(where(x > 0, exp(-x), exp(2*x)*0.5)) + log(max(exp(-y^2), exp(-2*y)))",
};

template <class T>
void check_gradients(std::string_view text) {
  const auto formula = log_density(text, {"x", "y"});
  const auto exact = make_formula_density<Dual>(formula, InstructionSet::scalar());
  const auto points = test_points(2, 60);
  for (const auto set : InstructionSet::available()) {
    const auto own = make_formula_density<T>(formula, set);
    EXPECT_TRUE(none(check_by_duals(*own, *exact, points))) << text << " on " << set.name();
  }
}

TEST(FormulaGradient, IsThatOfDualNumbers) {
  for (const auto* text : smooth) check_gradients<double>(text);
  for (const auto* text : sided) check_gradients<double>(text);
}

TEST(FormulaGradient, IsThatOfDualNumbersInFloat) {
  for (const auto* text : smooth) check_gradients<float>(text);
  for (const auto* text : sided) check_gradients<float>(text);
}

TEST(FormulaGradient, IsThatOfDifferences) {
  std::vector<std::vector<double>> points;
  Random random(7);
  for (int i = 0; i < 60; ++i) points.push_back({3 * random.normal(), 3 * random.normal()});
  for (const auto* text : smooth) {
    const auto own =
        make_formula_density<double>(log_density(text, {"x", "y"}), InstructionSet::best());
    EXPECT_TRUE(none(check_by_differences(*own, points))) << text;
  }
}

TEST(FormulaGradient, IsTheClosedForm) {
  const auto formula = log_density("-0.5*((x-1e3)/1e-2)^2 - 0.5*(y/1e5)^2");
  Random random(8);
  std::vector<std::vector<double>> points;
  for (int i = 0; i < 50; ++i)
    points.push_back({1e3 + 1e4 * random.normal(), 1e8 * random.normal()});
  for (const auto set : InstructionSet::available()) {
    const auto got = values_at(*make_formula_density<double>(formula, set), points);
    for (std::size_t i = 0; i < points.size(); ++i) {
      const double gx = -(points[i][0] - 1e3) * 1e4;
      const double gy = -points[i][1] * 1e-10;
      EXPECT_NEAR(got.gradient[i][0], gx, 1e-14 * std::abs(gx));
      EXPECT_NEAR(got.gradient[i][1], gy, 1e-14 * std::abs(gy));
    }
  }
}

/// At the tip of a cone and next to a branch without a value.
TEST(FormulaGradient, IsFiniteWhereAPartHasNone) {
  const struct {
    const char* text;
    std::vector<double> point;
    std::vector<double> gradient;
  } cases[] = {
      {"-sqrt(x^2 + y^2)", {0, 0}, {0, 0}},
      {"where(x > 0, x*log(x), 0*x) - y", {0, 1}, {0, -1}},
      {"where(x > 0, sqrt(x), -x) - y", {-4, 1}, {-1, -1}},
      {"log(x^2 + exp(-y))", {0, 1}, {0, -1}},
      {"x*(y > 0) + y", {2, -1}, {0, 1}},
  };
  for (const auto& c : cases) {
    for (const auto set : InstructionSet::available()) {
      const auto got =
          values_at(*make_formula_density<double>(log_density(c.text, {"x", "y"}), set), {c.point});
      for (std::size_t d = 0; d < 2; ++d) {
        EXPECT_NEAR(got.gradient[0][d], c.gradient[d], 1e-15) << c.text << " on " << set.name();
      }
    }
  }
}

/// The same bits however the points lie in tiles, and what is one thread's is every thread's.
TEST(Formula, BitsDoNotDependOnTheBatch) {
  std::string long_one = "0";
  for (int k = 0; k < 120; ++k) long_one += fmt::format(" - exp(-(x - {})^2)*y^2/{}", k, k + 1);
  Random random(9);
  std::vector<std::vector<double>> points;
  for (int i = 0; i < 128; ++i) points.push_back({2 * random.normal(), 2 * random.normal()});
  for (const std::string& text : {long_one, std::string(smooth[8]), std::string(smooth[4])}) {
    const auto formula = log_density(text, {"x", "y"});
    for (const auto set : InstructionSet::available()) {
      const auto own = make_formula_density<double>(formula, set);
      const auto whole = values_at(*own, points);
      for (const std::size_t n : {1U, 3U, 4U, 5U, 7U, 8U, 9U, 15U, 16U, 17U, 40U, 127U}) {
        const std::vector<std::vector<double>> some(points.begin(),
                                                    points.begin() + static_cast<long>(n));
        const auto part = values_at(*own, some);
        for (std::size_t i = 0; i < n; ++i) {
          ASSERT_EQ(part.log_density[i], whole.log_density[i]) << n << " on " << set.name();
          ASSERT_EQ(part.gradient[i], whole.gradient[i]) << n << " on " << set.name();
        }
      }
      std::vector<DensityValues<double>> others(3);
      std::vector<std::thread> threads;
      for (auto& other : others) {
        threads.emplace_back([&] { other = values_at(*own, points); });
      }
      for (auto& thread : threads) thread.join();
      for (const auto& other : others) {
        EXPECT_EQ(other.log_density, whole.log_density);
        EXPECT_EQ(other.gradient, whole.gradient);
      }
    }
  }
}

/// A formula beside what it means, made of the same dice.
struct RandomFormula {
  std::string text;
  std::function<Dual(Dual, Dual)> meaning;
  bool positive = false;
};

RandomFormula random_formula(Random& random, int depth) {
  const auto pick = [&](std::uint64_t n) { return random.bits() % n; };
  if (depth == 0 || pick(8) == 0) {
    switch (pick(3)) {
      case 0:
        return {"x", [](Dual x, Dual) { return x; }};
      case 1:
        return {"y", [](Dual, Dual y) { return y; }};
      default: {
        const double c = std::round(40 * random.uniform(-1, 1)) / 8;
        return {c < 0 ? fmt::format("({})", c) : fmt::format("{}", c),
                [c](Dual, Dual) { return Dual(c); }, c > 0};
      }
    }
  }
  auto a = random_formula(random, depth - 1);
  const auto f = a.meaning;
  switch (pick(14)) {
    case 0:
    case 1: {
      const auto b = random_formula(random, depth - 1);
      return {fmt::format("({} + {})", a.text, b.text),
              [f, g = b.meaning](Dual x, Dual y) { return f(x, y) + g(x, y); },
              a.positive && b.positive};
    }
    case 2: {
      const auto b = random_formula(random, depth - 1);
      return {fmt::format("({} - {})", a.text, b.text),
              [f, g = b.meaning](Dual x, Dual y) { return f(x, y) - g(x, y); }};
    }
    case 3:
    case 4: {
      const auto b = random_formula(random, depth - 1);
      return {fmt::format("{}*{}", a.text, b.text),
              [f, g = b.meaning](Dual x, Dual y) { return f(x, y) * g(x, y); },
              a.positive && b.positive};
    }
    case 5: {
      const auto b = random_formula(random, depth - 1);
      return {fmt::format("{}/(1 + {}^2)", a.text, "(" + b.text + ")"),
              [f, g = b.meaning](Dual x, Dual y) {
                const Dual v = g(x, y);
                return f(x, y) / (Dual(1) + v * v);
              },
              a.positive};
    }
    case 6:
      return {fmt::format("exp(-({})^2)", a.text),
              [f](Dual x, Dual y) {
                const Dual v = f(x, y);
                return exp(-(v * v));
              },
              true};
    case 7:
      return {fmt::format("tanh({})", a.text), [f](Dual x, Dual y) { return tanh(f(x, y)); }};
    case 8:
      return {fmt::format("sin({})", a.text), [f](Dual x, Dual y) { return sin(f(x, y)); }};
    case 9:
      return {fmt::format("sqrt(2 + ({})^2)", a.text),
              [f](Dual x, Dual y) {
                const Dual v = f(x, y);
                return sqrt(Dual(2) + v * v);
              },
              true};
    case 10:
      return {fmt::format("log(1 + abs({}))", a.text),
              [f](Dual x, Dual y) { return log(Dual(1) + abs(f(x, y))); }};
    case 11: {
      const auto b = random_formula(random, depth - 1);
      return {fmt::format("(x > y ? {} : {})", a.text, b.text),
              [f, g = b.meaning](Dual x, Dual y) { return x > y ? f(x, y) : g(x, y); },
              a.positive && b.positive};
    }
    case 12:
      return {fmt::format("-{}", a.text.front() == '-' ? "(" + a.text + ")" : a.text),
              [f](Dual x, Dual y) { return -f(x, y); }};
    default:
      return {fmt::format("({})^3", a.text),
              [f](Dual x, Dual y) {
                const Dual v = f(x, y);
                return v * v * v;
              },
              a.positive};
  }
}

/// Values, and for those that are positive the logarithms, against a walk over the same tree.
TEST(Formula, RandomOnesMeanWhatTheyAreMadeOf) {
  Random random(10);
  int checked = 0;
  int logs = 0;
  for (int i = 0; i < repetitions(1500); ++i) {
    auto made = random_formula(random, 1 + static_cast<int>(random.bits() % 5));
    // Both coordinates always count.
    made.text = fmt::format("{} + x/8 + y/4", made.text);
    const auto meaning = [f = made.meaning](Dual x, Dual y) {
      return f(x, y) + x / Dual(8) + y / Dual(4);
    };
    Formula formula;
    try {
      formula = log_density(made.text, {"x", "y"});
    } catch (const FormulaError&) {
      continue;  // constants beyond a number's range, or a coordinate that falls out
    }
    const auto sets = InstructionSet::available();
    const auto set = sets[static_cast<std::size_t>(random.bits() % sets.size())];
    const std::vector<double> point{2 * random.normal(), 2 * random.normal()};
    // What rounding may do is seen from points next to it.
    const auto at = [&](double dx, double dy, int along) {
      return meaning(Dual(point[0] * (1 + dx), along == 0 ? 1 : 0),
                     Dual(point[1] * (1 + dy), along == 1 ? 1 : 0));
    };
    const auto got = values_at(*make_formula_density<double>(formula, set), {point});
    for (int along = 0; along < 2; ++along) {
      const Dual expected = at(0, 0, along);
      double value_slack = 1;
      double slope_slack = 1 + std::abs(expected.tangent);
      value_slack += std::abs(expected.value);
      bool steep = false;
      for (const double h : {1e-9, -1e-9}) {
        for (const Dual moved : {at(h, 0, along), at(0, h, along)}) {
          value_slack += std::abs(moved.value - expected.value) * 1e9;
          slope_slack += std::abs(moved.tangent - expected.tangent) * 1e9;
          steep |= !isfinite(moved);
        }
      }
      if (!isfinite(expected) || steep || slope_slack > 1e8 || value_slack > 1e8) continue;
      EXPECT_NEAR(got.log_density[0], expected.value, 1e-13 * value_slack)
          << made.text << " at " << point[0] << " " << point[1];
      EXPECT_NEAR(got.gradient[0][static_cast<std::size_t>(along)], expected.tangent,
                  1e-13 * slope_slack)
          << made.text << " at " << point[0] << " " << point[1];
      ++checked;
      if (!(expected.value > 1e-6)) continue;
      Formula as_density;
      try {
        as_density = density(made.text, {"x", "y"});
      } catch (const FormulaError&) {
        continue;
      }
      EXPECT_NEAR(value(as_density, point, set), std::log(expected.value),
                  1e-13 * value_slack / std::min(1.0, expected.value))
          << made.text << " at " << point[0] << " " << point[1];
      ++logs;
    }
  }
  EXPECT_GT(checked, repetitions(1500));
  EXPECT_GT(logs, repetitions(1500) / 3);
}

struct Wrong {
  std::string text;
  std::size_t column;
  const char* says;
};

TEST(FormulaErrors, PointAtTheCharacter) {
  const std::string deep(300, '(');
  std::string powers = "x";
  for (int i = 0; i < 300; ++i) powers += "^x";
  std::string ternary;
  for (int i = 0; i < 300; ++i) ternary += "x ? x : ";
  const std::vector<Wrong> cases{
      {"", 1, "it is empty"},
      {"   ", 4, "it is empty"},
      {"# nothing", 10, "it is empty"},
      {"exp(-x^2", 4, "this '(' is never closed"},
      {"(x + (y*2)", 1, "this '(' is never closed"},
      {"exp(-x^2))", 10, "this ')' closes nothing"},
      {"x + ", 5, "it ends too early"},
      {"x + * y", 5, "a number or a name is missing before \"*\""},
      {"x y", 3, "an operator is missing before \"y\""},
      {"2x", 2, "an operator is missing before \"x\""},
      {"(x)(y)", 4, "\"(\" is out of place"},
      {"x(y + 1)", 1, "no function \"x\""},
      {"x + y(2)", 5, "no function \"y\""},
      {"x*x(2)", 3, "x is no function: to multiply, write x*("},
      {"sqrtt(x)", 1, "no function \"sqrtt\"; did you mean \"sqrt\"?"},
      {"exp + x", 1, "exp is a function: write exp(...)"},
      {"exp()", 1, "exp takes 1 argument, not 0: exp(a)"},
      {"exp(x, y)", 1, "exp takes 1 argument, not 2: exp(a)"},
      {"x + atan2(x)", 5, "atan2 takes 2 arguments, not 1: atan2(y, x)"},
      {"max()", 1, "max takes 1 or more arguments, not 0"},
      {"x = 3", 6, "the density itself is missing"},
      {"x = 3;", 7, "the density itself is missing"},
      {"exp(x = 3)", 7, "\"=\" defines a name: to compare, write =="},
      {"x + r; r = 3; r", 8, "\"r\""},
      {"r = 3; r = 4; x", 8, "r is defined twice"},
      {"sin = 3; x", 1, "sin has a meaning already"},
      {"r = x; x = 3; r", 8, "x is used before it is defined"},
      {"1 < x < 2", 7, "comparisons do not go on"},
      {"x > 0 ? x", 10, "a ':' is missing"},
      {"x, y", 2, "\",\" is out of place"},
      {"(x, y)", 3, "this ',' is out of place"},
      {"x + 1e400", 5, "1e400 is beyond what a number can hold"},
      {"x + log(-1)", 5, "this log has no value"},
      {"x + 1/0", 6, "this divides by zero"},
      {"x/0", 2, "this divides by zero"},
      {"x + exp(1000)", 5, "this exp is infinite"},
      {"x + 1e300*1e300", 10, "this product is infinite"},
      {"1 + 2", 1, "there is no coordinate in it"},
      {"x - x", 6, "x does not count in it"},
      {"x @ y", 3, "\"@\" means nothing here"},
      {"x²", 2, "\"²\" means nothing here"},
      {std::string("x + \x01"), 5, "byte 0x01 means nothing here"},
      {std::string("x + \xff"), 5, "byte 0xff means nothing here"},
      {"μ + σ + @", 9, "\"@\" means nothing here"},
      {"x + Pi", 5, "did you mean \"pi\"?"},
      {"lp__ + 1", 1, "names that end with __ belong to Riffle"},
      {deep + "x", 201, "nested deeper than 200 levels"},
      {powers, 400, "nested deeper than 200 levels"},
      {ternary + "x", 1597, "nested deeper than 200 levels"},
      {std::string(65, 'a'), 1, "a name of 65 bytes is too long"},
  };
  for (const auto& c : cases) {
    try {
      log_density(c.text);
      ADD_FAILURE() << c.text.substr(0, 40) << " was read";
    } catch (const FormulaError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      const std::string what = error.what();
      if (c.column > 0 && c.text.find('\n') == std::string::npos) {
        const auto place = fmt::format("formula: column {}: ", c.column);
        EXPECT_TRUE(what.starts_with(place)) << c.text.substr(0, 40) << ": " << what;
      }
      EXPECT_NE(what.find(c.says), std::string::npos) << c.text.substr(0, 40) << ": " << what;
      EXPECT_EQ(what.find('\n'), std::string::npos);
    }
  }
}

TEST(FormulaErrors, NameTheNearestOfNamedCoordinates) {
  try {
    log_density("-alpha^2 - alhpa - beta^2", {"alpha", "beta"});
    ADD_FAILURE();
  } catch (const FormulaError& error) {
    EXPECT_STREQ(error.what(),
                 "formula: column 12: no coordinate \"alhpa\"; did you mean \"alpha\"?");
    EXPECT_EQ(error.excerpt(), "  -alpha^2 - alhpa - beta^2\n             ^");
  }
  EXPECT_THROW(log_density("-x^2", {"x", "y"}), FormulaError);  // y does not count
  EXPECT_THROW(density("exp(-x^2) + 0*y"), FormulaError);
  EXPECT_THROW(density("2 - 3 + 0*x"), FormulaError);
  EXPECT_THROW(density("-exp(-x^2)"), FormulaError);
}

TEST(FormulaErrors, ShowTheLineAndWhatIsNear) {
  const auto excerpt = [](const std::string& text) {
    try {
      log_density(text);
    } catch (const FormulaError& error) {
      return std::string(error.what()) + "\n" + error.excerpt();
    }
    return std::string("was read");
  };
  EXPECT_EQ(excerpt("r = 3;\n\tx + @ + r"),
            "formula: line 2, column 6: \"@\" means nothing here\n   x + @ + r\n       ^");
  EXPECT_EQ(excerpt("μ + @"), "formula: column 5: \"@\" means nothing here\n  μ + @\n      ^");
  std::string wide;
  for (int i = 0; i < 40; ++i) wide += "x + ";
  const auto shown = excerpt(wide + "@" + wide);
  const auto last = shown.rfind('\n');
  const auto line = shown.rfind('\n', last - 1);
  EXPECT_EQ(shown[line + 1 + shown.size() - last - 2], '@') << shown;
  EXPECT_LE(last - line, 76U) << shown;
}

TEST(FormulaErrors, ListsOfCoordinates) {
  for (const char* list : {"x,,y", "x,", ",x", "x y", "1x", "x,x", "exp", "a-b", "lp__", ","}) {
    EXPECT_THROW(parse_coordinates(list, "c"), Error) << list;
  }
}

TEST(Formula, LongOnesAreReadOrRefused) {
  std::string sum = "x";
  for (int i = 0; i < 3000; ++i) sum += fmt::format("+exp(-(x-{})^2)", i);
  EXPECT_NEAR(value(density(sum.substr(2)), {1500.5}), 0.5722614912013473, 1e-13);
  std::string doubled = "a0 = exp(-x^2);";
  for (int i = 1; i < 2000; ++i) {
    doubled += fmt::format("a{} = a{}*exp(-x) + a{};", i, i - 1, i > 1 ? i - 2 : 0);
  }
  EXPECT_TRUE(std::isfinite(value(density(doubled + "a1999"), {0.5})));
  std::string huge = "x";
  for (int i = 0; i < 30'000; ++i) huge += fmt::format("+sin(x+{})", i);
  EXPECT_THROW(log_density(huge), FormulaError);
  EXPECT_THROW(log_density(std::string(1'000'001, ' ')), Error);
}

}  // namespace
}  // namespace riffle::test
