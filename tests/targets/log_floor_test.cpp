#include "targets/log_floor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/names.h"
#include "targets/target_checks.h"

namespace riffle::test {
namespace {

constexpr double floor_value = 1e-7;

template <class T>
std::unique_ptr<Density<T>> floored(const TargetEntry& entry, InstructionSet set,
                                    double floor = floor_value) {
  return with_log_floor<T>(entry.make<T>(test_options(entry, set)), floor, set);
}

TEST(LogFloor, AgreesWithDuals) {
  for (const auto& entry : target_registry()) {
    const std::size_t dim = test_options(entry, InstructionSet::best()).dim;
    const auto points = test_points(dim, 300);
    const auto exact = floored<Dual>(entry, InstructionSet::scalar());
    for (const auto set : InstructionSet::available()) {
      EXPECT_TRUE(none(check_by_duals(*floored<double>(entry, set), *exact, points)))
          << entry.name << " on " << set.name();
      if (entry.posterior) continue;
      EXPECT_TRUE(none(check_by_duals(*floored<float>(entry, set), *exact, points)))
          << entry.name << " on " << set.name();
    }
    // Where the density of a posterior vanishes its gradient may overflow a float, and its peaks
    // are narrower than any difference.
    if (entry.posterior) continue;
    EXPECT_TRUE(none(check_by_differences(*floored<double>(entry, InstructionSet::best()),
                                          test_points(dim, 60))))
        << entry.name;
    EXPECT_TRUE(none(check_extremes(*floored<double>(entry, InstructionSet::best()))))
        << entry.name;
    EXPECT_TRUE(none(check_extremes(*floored<float>(entry, InstructionSet::best())))) << entry.name;
  }
}

TEST(LogFloor, IsTheLogarithmOfTheSum) {
  const auto& entry = find_by_name(target_registry(), "crescents", "target");
  const std::vector<std::vector<double>> points{{2, 3.4}, {0, 0}, {-2, 0.5}, {100, 100}};
  const auto plain =
      values_at(*entry.make<double>(default_options(entry, InstructionSet::best())), points);
  const auto raised = values_at(*floored<double>(entry, InstructionSet::best()), points);
  for (std::size_t p = 0; p < points.size(); ++p) {
    const double density = std::exp(plain.log_density[p]);
    EXPECT_NEAR(raised.log_density[p], std::log(density + floor_value), 1e-12) << p;
    for (std::size_t d = 0; d < 2; ++d) {
      EXPECT_NEAR(raised.gradient[p][d], density / (density + floor_value) * plain.gradient[p][d],
                  1e-12 * (1 + std::abs(plain.gradient[p][d])))
          << p;
    }
  }
  EXPECT_EQ(raised.gradient[3][0], 0);
}

TEST(LogFloor, OfZeroIsTheDensityItself) {
  const auto& entry = find_by_name(target_registry(), "U1", "target");
  auto density = entry.make<double>(default_options(entry, InstructionSet::best()));
  const auto* const before = density.get();
  EXPECT_EQ(with_log_floor<double>(std::move(density), 0, InstructionSet::best()).get(), before);
}

}  // namespace
}  // namespace riffle::test
