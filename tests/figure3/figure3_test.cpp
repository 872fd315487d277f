#include "figure3/figure3.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/cores.h"
#include "figure3/figure3_folder.h"
#include "riffle/error.h"
#include "riffle/fit.h"
#include "support/effort.h"

namespace riffle {
namespace {

/// Those of the cells of one flow on one target that are no longer than `longest`.
std::vector<Figure3Fit> fits_of(const std::string& target, const std::string& flow,
                                std::size_t longest) {
  std::vector<Figure3Fit> fits;
  for (auto& cell : figure3_cells()) {
    if (cell.target == target && cell.flow == flow && cell.length <= longest) {
      fits.push_back({.cell = std::move(cell)});
    }
  }
  return fits;
}

/// The figure in little, at a rate at which some starts diverge, or all.
Spec diverging(double rate) {
  auto spec = find_spec("figure3");
  spec.optimizer.name = "sgd";
  spec.optimizer.learning_rate = rate;
  spec.run.iterations = 100;
  spec.run.evaluation_draws = 1000;
  spec.run.draws = 0;
  return spec;
}

TEST(Figure3, KeepsTheBestStartInWhateverOrderTheyEnd) {
  using Start = std::pair<double, std::uint64_t>;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto kept_of = [](const std::vector<Start>& starts) {
    auto kept = starts.front();
    for (const auto& s : starts) {
      if (is_better_start(s.first, s.second, kept.first, kept.second)) kept = s;
    }
    return kept.second;
  };
  const auto expect_kept = [&](std::vector<double> elbos, std::uint64_t wanted) {
    std::vector<Start> starts;
    std::vector<std::size_t> order;
    for (std::size_t k = 0; k < elbos.size(); ++k) {
      starts.emplace_back(elbos[k], k + 1);
      order.push_back(k);
    }
    do {
      std::vector<Start> arrived;
      for (const auto k : order) arrived.push_back(starts[k]);
      ASSERT_EQ(kept_of(arrived), wanted);
    } while (std::next_permutation(order.begin(), order.end()));
  };
  expect_kept({nan, -2, -1, -1, nan, -infinity}, 3);
  expect_kept({nan, -1e300, nan}, 2);
  expect_kept({nan, nan, nan}, 1);
  expect_kept({nan, -infinity, nan}, 1);
}

TEST(Figure3, KeepsAFiniteStartWhereOthersDiverge) {
  const auto spec = diverging(2);
  auto one = fits_of("U4", "radial", 8);
  auto two = one;
  make_figure3_fits(spec, one, 1, {});
  make_figure3_fits(spec, two, 2, {});
  ASSERT_EQ(one.size(), 2U);
  ASSERT_GT(one[1].diverged, 0U);
  ASSERT_LT(one[1].diverged, one[1].cell.starts);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_TRUE(one[k].finished);
    EXPECT_TRUE(std::isfinite(one[k].elbo));
    EXPECT_GE(one[k].kl + 4 * one[k].kl_se, 0);
    EXPECT_EQ(two[k].seed, one[k].seed);
    EXPECT_EQ(two[k].elbo, one[k].elbo);
    EXPECT_EQ(two[k].diverged, one[k].diverged);
    ASSERT_TRUE(one[k].flow && two[k].flow);
    EXPECT_EQ(two[k].flow->definition().params, one[k].flow->definition().params);
  }
  EXPECT_TRUE(figure3_warnings({one}).empty());
}

TEST(Figure3, NamesAFitOfWhichEveryStartDiverged) {
  const auto spec = diverging(1e12);
  auto fits = fits_of("U1", "planar", 2);
  make_figure3_fits(spec, fits, 2, {});
  ASSERT_EQ(fits[0].diverged, fits[0].cell.starts);
  EXPECT_FALSE(fits[0].flow);
  EXPECT_EQ(fits[0].seed, spec.run.seed);
  const auto warnings = figure3_warnings({fits});
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].find("every start diverged of U1 planar K = 2:"), 0U) << warnings[0];
}

TEST(Figure3, PlanarFlowsReachU1) {
  const auto spec = find_spec("figure3");
  auto fits = fits_of("U1", "planar", 8);
  ASSERT_EQ(fits.size(), 2U);
  double two = 0.22;
  double eight = 0.02;
  if (test::hurried) {
    for (auto& fit : fits) {
      fit.cell.starts = 2;
      fit.cell.patience = 1;
    }
    two = 0.5;
    eight = 0.1;
  }
  make_figure3_fits(spec, fits, usable_cores(), {});
  EXPECT_LT(fits[0].kl, two);
  EXPECT_LT(fits[1].kl, eight);
  EXPECT_GT(fits[0].kl, -4 * fits[0].kl_se);
  EXPECT_GT(fits[1].kl, -4 * fits[1].kl_se);
}

TEST(Figure3, IsNotOneFit) {
  EXPECT_THROW(fit(find_spec("figure3")), Error);
}

}  // namespace
}  // namespace riffle
