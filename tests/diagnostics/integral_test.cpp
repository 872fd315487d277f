#include "diagnostics/integral.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/names.h"
#include "targets/formula/formula.h"
#include "targets/target_registry.h"

namespace riffle {
namespace {

std::optional<double> of(std::string_view text, std::vector<double> points) {
  const auto formula = parse_formula(text, FormulaKind::density, {}, "formula");
  return log_integral(*make_formula_density<double>(formula, InstructionSet::best()), points);
}

TEST(LogIntegral, IsTheClosedForm) {
  const std::vector<double> line{-1, 1};
  const std::vector<double> plane{-1, -1, 1, 1};
  const double root_pi = 0.5 * std::log(std::numbers::pi);
  EXPECT_NEAR(*of("exp(-x^2)", line), root_pi, 1e-7);
  EXPECT_NEAR(*of("exp(-(x-3)^2/1e-2)", line), root_pi + std::log(0.1), 1e-7);
  EXPECT_NEAR(*of("exp(-(x/30)^2)", line), root_pi + std::log(30), 1e-7);
  EXPECT_NEAR(*of("5e-300*exp(-x^2 - y^2)", plane), 2 * root_pi + std::log(5e-300), 1e-6);
  EXPECT_NEAR(*of("exp(-x^2/2 - (y - x^2)^2)", plane),
              root_pi + 0.5 * std::log(2 * std::numbers::pi), 1e-6);
}

TEST(LogIntegral, IsThatOfTheTutorial) {
  const auto& entry = find_by_name(target_registry(), "crescents", "target");
  const auto options = default_options(entry, InstructionSet::best());
  const std::vector<double> points{-3, -4, 3, 4};
  EXPECT_NEAR(*log_integral(*entry.make<double>(options), points), *entry.log_z(options), 1e-8);
}

TEST(LogIntegral, IsLeftOpenWhereItCannotBeTold) {
  const std::vector<double> line{-1, 1};
  EXPECT_FALSE(of("1/(1 + x^2)", line));            // a tail that goes on
  EXPECT_FALSE(of("1 + 0.5*sin(x)", line));         // no integral
  EXPECT_FALSE(of("x*exp(-x^2)", line));            // negative somewhere
  EXPECT_FALSE(of("(x > 0)*exp(-x)", {-1.13, 1}));  // a cliff within a cell
  EXPECT_FALSE(of("exp(-x^2)", {}));
  EXPECT_FALSE(of("exp(-x^2 - y^2 - z^2)", {-1, -1, -1, 1, 1, 1}));
}

}  // namespace
}  // namespace riffle
