#include "diagnostics/improper.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/random.h"
#include "targets/target_registry.h"

namespace riffle::test {
namespace {

/// Normal draws around a point.
Draws draws_around(double point, double sd, std::size_t dim) {
  Random random(3);
  Draws draws{dim, std::vector<double>(200 * dim), std::vector<double>(200), {}};
  for (double& x : draws.z) x = point + sd * random.normal();
  return draws;
}

template <class T>
class ImproperTest : public ::testing::Test {};
using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ImproperTest, Precisions);

// However near to each other the draws have come.
TYPED_TEST(ImproperTest, TargetsLookAsTheyAre) {
  for (const auto& entry : target_registry()) {
    if (entry.needs_data()) continue;
    const auto density = entry.make<TypeParam>(default_options(entry, InstructionSet::best()));
    const auto start = draws_around(0, 1, density->dim());
    for (const double sd : {2.0, 1.0, 1e-2, 1e-4, 1e-6}) {
      const auto draws = draws_around(0.3, sd, density->dim());
      EXPECT_EQ(looks_improper(*density, draws, start), entry.improper)
          << entry.name << ", sd " << sd;
    }
  }
}

}  // namespace
}  // namespace riffle::test
