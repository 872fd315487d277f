// The mutation gate of the target checks: densities broken on purpose must fail them.

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>

#include "support/mutation.h"
#include "targets/target_checks.h"

namespace riffle::test {
namespace {

struct Defect {
  std::string name;
  std::function<void(std::span<double> log_density)> value;
  std::function<void(Tile<double> gradient)> gradient;
};

class Mutant final : public Density<double> {
 public:
  Mutant(const Density<double>& density, Defect defect)
      : Density<double>(density.dim()), density_(density), defect_(std::move(defect)) {}

 private:
  void evaluate_impl(Tile<const double> z, double* log_density,
                     Tile<double> gradient) const override {
    density_.evaluate(z, log_density, gradient);
    if (defect_.value) defect_.value({log_density, z.count()});
    if (defect_.gradient) defect_.gradient(gradient);
  }

  const Density<double>& density_;
  Defect defect_;
};

std::vector<Defect> gradient_defects(std::size_t dim) {
  std::vector<Defect> defects;
  for (const auto mutation : mutations) {
    for (std::size_t d = 0; d < dim; ++d) {
      defects.push_back(
          {fmt::format("gradient[{}] {}", d, name_of(mutation)), {}, [=](Tile<double> gradient) {
             // A permutation of one coordinate goes over the samples.
             mutate<double>(mutation, {gradient.row(d), gradient.count()});
           }});
    }
    defects.push_back(
        {fmt::format("gradient {}", name_of(mutation)), {}, [=](Tile<double> gradient) {
           for (std::size_t s = 0; s < gradient.count(); ++s) {
             std::vector<double> column;
             for (std::size_t d = 0; d < dim; ++d) column.push_back(gradient(d, s));
             mutate<double>(mutation, column);
             for (std::size_t d = 0; d < dim; ++d) gradient(d, s) = column[d];
           }
         }});
  }
  return defects;
}

struct Case {
  const TargetEntry* entry;
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.entry->name; }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& entry : target_registry()) all.push_back({&entry});
  return all;
}

class TargetMutationTest : public ::testing::TestWithParam<Case> {
 protected:
  const TargetOptions options_ = test_options(*GetParam().entry, InstructionSet::best());
  const std::unique_ptr<Density<double>> density_ = GetParam().entry->make<double>(options_);
  const std::unique_ptr<Density<Dual>> exact_ = GetParam().entry->make<Dual>(options_);
  const std::vector<std::vector<double>> points_ = test_points(options_.dim, 40);
};

TEST_P(TargetMutationTest, HealthyTargetsPass) {
  const Mutant healthy(*density_, {});
  EXPECT_TRUE(none(check_by_duals(healthy, *exact_, points_)));
  EXPECT_TRUE(none(check_by_differences(healthy, points_)));
  EXPECT_TRUE(none(check_extremes(healthy)));
}

TEST_P(TargetMutationTest, BrokenGradientsFail) {
  for (const auto& defect : gradient_defects(options_.dim)) {
    const Mutant mutant(*density_, defect);
    EXPECT_FALSE(check_by_duals(mutant, *exact_, points_).empty()) << defect.name;
    EXPECT_FALSE(check_by_differences(mutant, points_).empty()) << defect.name;
  }
}

TEST_P(TargetMutationTest, BrokenValuesFail) {
  for (const auto mutation : mutations) {
    const Defect defect{
        std::string(name_of(mutation)), [=](std::span<double> x) { mutate(mutation, x); }, {}};
    EXPECT_FALSE(check_by_duals(Mutant(*density_, defect), *exact_, points_).empty())
        << defect.name;
  }
}

TEST_P(TargetMutationTest, HiddenFailuresFail) {
  Defect hide;
  hide.value = [](std::span<double> x) {
    for (double& v : x) v = std::isfinite(v) ? v : 0;
  };
  hide.gradient = [](Tile<double> gradient) {
    for (std::size_t d = 0; d < gradient.dim(); ++d) {
      for (std::size_t s = 0; s < gradient.count(); ++s) {
        if (!std::isfinite(gradient(d, s))) gradient(d, s) = 0;
      }
    }
  };
  EXPECT_FALSE(check_extremes(Mutant(*density_, hide)).empty());
}

INSTANTIATE_TEST_SUITE_P(Targets, TargetMutationTest, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return test_name(test.param.entry->name); });

}  // namespace
}  // namespace riffle::test
