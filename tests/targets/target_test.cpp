// Every registered target, on every instruction set, in float and double.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <ostream>
#include <set>

#include "core/names.h"
#include "riffle/error.h"
#include "targets/target_checks.h"

namespace riffle::test {
namespace {

struct Case {
  const TargetEntry* entry;
  std::size_t dim;
  friend void PrintTo(const Case& c, std::ostream* out) {
    *out << c.entry->name << " in dimension " << c.dim;
  }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& entry : target_registry()) {
    if (!entry.any_dim) {
      all.push_back({&entry, entry.default_dim});
      continue;
    }
    for (const std::size_t dim : {1U, 2U, 3U, 8U, 17U}) {
      if (entry.dims.allows(dim)) all.push_back({&entry, dim});
    }
  }
  return all;
}

/// Every option at a value that is not its default too: moved by a quarter, and by more. Flags are
/// turned over once all of them, and once every other one.
std::vector<TargetOptions> options_of(const TargetEntry& entry, std::size_t dim,
                                      InstructionSet set) {
  std::vector<TargetOptions> all;
  for (const double moved : {0.0, 0.25, 1.5}) {
    auto options = test_options(entry, dim, set);
    double more = 1;
    bool turn = moved == 0.25;
    for (const auto& option : entry.options) {
      double& value = options.numbers.find(option.name)->second;
      if (option.flag) {
        if (turn) value = 1 - value;
        turn = moved == 0.25 || (moved > 0 && !turn);
      } else {
        value += moved * more;
        more += 0.5;
      }
    }
    if (entry.needs_data()) options.dim = entry.dim_of_data(options);
    all.push_back(options);
    if (entry.options.empty()) break;
  }
  return all;
}

class TargetTest : public ::testing::TestWithParam<Case> {
 protected:
  const TargetEntry& entry() const { return *GetParam().entry; }
  std::size_t dim() const { return GetParam().dim; }

  template <class Check>
  Failures everywhere(Check&& check) {
    Failures failures;
    for (const auto set : InstructionSet::available()) {
      for (const auto& options : options_of(entry(), dim(), set)) {
        append(failures, check(options), set.name());
      }
    }
    return failures;
  }
};

TEST_P(TargetTest, AgreesWithDuals) {
  const auto run = [&]<class T>(T) {
    return everywhere([&](const TargetOptions& options) {
      return check_by_duals(*entry().make<T>(options), *entry().make<Dual>(options),
                            test_points(options.dim, 400));
    });
  };
  EXPECT_TRUE(none(run(double())));
  EXPECT_TRUE(none(run(float())));
}

TEST_P(TargetTest, GradientAgreesWithFiniteDifferences) {
  EXPECT_TRUE(none(everywhere([&](const TargetOptions& options) {
    return check_by_differences(*entry().make<double>(options), test_points(options.dim, 100));
  })));
}

TEST_P(TargetTest, ExtremePointsLeaveTheOthersAlone) {
  const auto run = [&]<class T>(T) {
    return everywhere(
        [&](const TargetOptions& options) { return check_extremes(*entry().make<T>(options)); });
  };
  EXPECT_TRUE(none(run(double())));
  EXPECT_TRUE(none(run(float())));
}

TEST_P(TargetTest, AnyNumberOfPointsWillDo) {
  const auto run = [&]<class T>(T) {
    return everywhere([&](const TargetOptions& options) {
      Failures failures;
      const auto density = entry().make<T>(options);
      auto points = test_points(options.dim, tile_size);
      points.resize(tile_size);
      const auto all = values_at(*density, points);
      for (const std::size_t n : {1U, 2U, 3U, 4U, 5U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 127U}) {
        const std::vector<std::vector<double>> first(points.begin(),
                                                     points.begin() + static_cast<int>(n));
        const auto some = values_at(*density, first);
        for (std::size_t p = 0; p < n; ++p) {
          if (some.log_density[p] != all.log_density[p] || some.gradient[p] != all.gradient[p]) {
            failures.push_back(
                fmt::format("point {} of {} is another than among {}", p, n, tile_size));
          }
        }
      }
      return failures;
    });
  };
  EXPECT_TRUE(none(run(double())));
  EXPECT_TRUE(none(run(float())));
}

/// ln ∫p over a box wide enough, by the trapezoid rule, which is exact to rounding for smooth
/// functions that vanish at the edges.
double log_integral(const Density<double>& density, double reach, std::size_t cells) {
  const double h = 2 * reach / static_cast<double>(cells);
  TileBuffer<double> z(density.dim());
  TileBuffer<double> gradient(density.dim());
  AlignedVector<double> log_density(tile_size);
  double sum = 0;
  const std::size_t rows = density.dim() == 1 ? 1 : cells + 1;
  for (std::size_t i = 0; i < rows; ++i) {
    if (density.dim() == 2) {
      std::fill_n(z.row(1), tile_size, -reach + h * static_cast<double>(i));
    }
    for (std::size_t first = 0; first <= cells; first += tile_size) {
      const std::size_t n = std::min(tile_size, cells + 1 - first);
      for (std::size_t s = 0; s < n; ++s) {
        z.row(0)[s] = -reach + h * static_cast<double>(first + s);
      }
      density.evaluate(z.view(n), log_density.data(), gradient.view(n));
      for (std::size_t s = 0; s < n; ++s) sum += std::exp(log_density[s]);
    }
  }
  return std::log(sum * std::pow(h, static_cast<double>(density.dim())));
}

INSTANTIATE_TEST_SUITE_P(Targets, TargetTest, ::testing::ValuesIn(cases()), [](const auto& test) {
  return fmt::format("{}_{}", test_name(test.param.entry->name), test.param.dim);
});

TEST(Targets, LogZIsTheIntegral) {
  for (const auto& c : cases()) {
    // Posteriors are wider than this box, or narrower than its cells: see posterior_test.cpp.
    if (c.dim > 2 || c.entry->posterior) continue;
    for (const auto& options : options_of(*c.entry, c.dim, InstructionSet::best())) {
      const auto claimed = c.entry->log_z(options);
      EXPECT_FALSE(claimed && c.entry->improper) << c.entry->name << " has no log Z";
      if (!claimed) continue;
      // The kink of the wall's second derivative leaves O(h³) of its size, 1/0.16, at two lines.
      EXPECT_NEAR(log_integral(*c.entry->make<double>(options), 24, 2400), *claimed, 2e-7)
          << c.entry->name << " in dimension " << c.dim;
    }
  }
}

TEST(Targets, ImproperOnesGrowWithTheBox) {
  for (const auto& entry : target_registry()) {
    if (!entry.improper) continue;
    const auto density = entry.make<double>(default_options(entry, InstructionSet::best()));
    const double small = log_integral(*density, 12, 1200);
    const double large = log_integral(*density, 24, 2400);
    EXPECT_NEAR(large - small, std::log(2), 0.01) << entry.name;
  }
}

// U = -ln p, computed independently from the formulas of the paper and of the tutorial.
TEST(Targets, GiveTheCheckedValues) {
  const std::vector<std::vector<double>> points{{0, 0}, {1, 1}, {-2, 0.5}, {3, -1.5}, {0.25, -3}};
  struct Checked {
    std::string_view name;
    double u[5];
  };
  const Checked checked[] = {
      {"U1", {17.362408374996, 2.461204413998, 0.011839839666, 7.118864310768, 7.383481536013}},
      {"U2-improper", {0, 0, 0.781250000000, 0.781250000000, 35.757960011241}},
      {"U3-improper", {-0.097010790008, 0, 0.327283798944, 0.303592966265, 16.476807028833}},
      {"U4-improper",
       {-0.671592280917, -0.000102697291, 0.200794159193, 0.781249999980, 35.750342679399}},
      {"crescents",
       {52.431852819440, 21.673982347468, 11.742425953133, 2.084950836564, 5.262625367169}},
  };
  for (const auto& target : checked) {
    const auto& entry = find_by_name(target_registry(), target.name, "target");
    for (const auto set : InstructionSet::available()) {
      const auto options = default_options(entry, set);
      const auto values = values_at(*entry.make<double>(options), points);
      const auto singles = values_at(*entry.make<float>(options), points);
      for (std::size_t p = 0; p < points.size(); ++p) {
        // Twelve decimals were kept.
        EXPECT_NEAR(-values.log_density[p], target.u[p], 1e-12 + 1e-13 * target.u[p])
            << target.name << " " << p << " on " << set.name();
        EXPECT_NEAR(-singles.log_density[p], target.u[p], 1e-5 * (1 + target.u[p]))
            << target.name << " " << p << " on " << set.name();
      }
    }
  }
}

TEST(Targets, TheWallStandsOnlyBeyondFour) {
  for (const std::string_view name : {"U2", "U3", "U4"}) {
    const auto& walled = find_by_name(target_registry(), name, "target");
    const auto& open = find_by_name(target_registry(), std::string(name) + "-improper", "target");
    const std::vector<std::vector<double>> points{{0.3, 1}, {4, 1}, {-4, 1}, {5, 1}, {-6, 1}};
    const auto a =
        values_at(*walled.make<double>(default_options(walled, InstructionSet::best())), points);
    const auto b =
        values_at(*open.make<double>(default_options(open, InstructionSet::best())), points);
    const double wall[] = {0, 0, 0, 0.5 * 1 / 0.16, 0.5 * 4 / 0.16};
    const double slope[] = {0, 0, 0, 1 / 0.16, -2 / 0.16};
    for (std::size_t p = 0; p < points.size(); ++p) {
      EXPECT_NEAR(b.log_density[p] - a.log_density[p], wall[p], 1e-11) << name << " " << p;
      EXPECT_NEAR(b.gradient[p][0] - a.gradient[p][0], slope[p], 1e-11) << name << " " << p;
      EXPECT_EQ(b.gradient[p][1], a.gradient[p][1]) << name << " " << p;
    }
  }
}

TEST(Targets, ClosedFormsOfLogZAreTheCheckedOnes) {
  const auto log_z = [](std::string_view name) {
    const auto& entry = find_by_name(target_registry(), name, "target");
    return entry.log_z(default_options(entry, InstructionSet::scalar())).value();
  };
  EXPECT_NEAR(log_z("crescents"), 2.313289382544, 1e-11);
  EXPECT_NEAR(log_z("U1"), 1.877501626110, 1e-11);
  EXPECT_NEAR(log_z("U2"), 2.200166925267, 1e-11);
  EXPECT_NEAR(log_z("U3"), 2.759782713203, 1e-11);
  EXPECT_NEAR(log_z("U4"), 2.828775584690, 1e-11);
}

// Coordinates are independent, so the integral is the product of those along each axis.
TEST(Gaussian, LogZInAnyDimension) {
  const auto& entry = find_by_name(target_registry(), "gaussian", "target");
  for (std::size_t dim = 1; dim <= 100; dim += dim < 5 ? 1 : 19) {
    auto options = default_options(entry, InstructionSet::best());
    options.dim = dim;
    options.numbers["mean"] = -0.7;
    options.numbers["sd_first"] = 0.2;
    options.numbers["sd_last"] = 5;
    const auto density = entry.make<double>(options);
    double sum = 0;
    TileBuffer<double> z(dim);
    TileBuffer<double> gradient(dim);
    AlignedVector<double> log_density(tile_size);
    for (std::size_t d = 0; d < dim; ++d) {
      for (std::size_t e = 0; e < dim; ++e) std::fill_n(z.row(e), tile_size, -0.7);
      // At least thirteen standard deviations on either side, in steps of at most half of one.
      double line = 0;
      constexpr int cells = 1400;
      constexpr double h = 0.1;
      for (int first = -cells / 2; first < cells / 2; first += int(tile_size)) {
        for (std::size_t s = 0; s < tile_size; ++s) z.row(d)[s] = -0.7 + h * (first + double(s));
        density->evaluate(z.view(), log_density.data(), gradient.view());
        for (const double v : log_density) line += std::exp(v);
      }
      sum += std::log(line * h);
    }
    EXPECT_NEAR(entry.log_z(options).value(), sum, 1e-10 * (1 + std::abs(sum))) << dim;
  }
}

TEST(Gaussian, RefusesWidthsThatAreNotPositive) {
  const auto& entry = find_by_name(target_registry(), "gaussian", "target");
  for (const double bad : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    auto options = default_options(entry, InstructionSet::best());
    options.numbers["sd_last"] = bad;
    EXPECT_THROW(entry.make<double>(options), Error) << bad;
    EXPECT_THROW(entry.log_z(options), Error) << bad;
  }
}

TEST(TargetRegistry, NamesAreUniqueAndDescribed) {
  std::set<std::string_view> names;
  for (const auto& entry : target_registry()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
    const auto options = test_options(entry, entry.default_dim, InstructionSet::best());
    EXPECT_EQ(options.numbers.size(), entry.options.size()) << entry.name;
    EXPECT_EQ(entry.make<double>(options)->dim(), options.dim) << entry.name;
    EXPECT_EQ(entry.make<float>(options)->dim(), options.dim) << entry.name;
    EXPECT_EQ(entry.default_dim == 0, entry.needs_data()) << entry.name;
    EXPECT_TRUE(!entry.any_dim || entry.dims.allows(entry.default_dim)) << entry.name;
  }
}

}  // namespace
}  // namespace riffle::test
