#include "io/posterior_page.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "diagnostics/importance.h"
#include "diagnostics/parameter_summary.h"
#include "diagnostics/psis.h"
#include "io/gnuplot.h"
#include "support/random.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// A funnel under draws of a normal, with all that a fit would add.
PosteriorPage funnel(std::size_t dim, std::size_t n) {
  PosteriorPage page;
  page.title = "funnel";
  page.grade = Grade::reliable_after_reweighting;
  page.lines = {"log Z = -0.01 ± 0.02", "weights move a mean by 0.30 sd"};
  page.names = {"log_tau"};
  for (std::size_t d = 1; d < dim; ++d) page.names.push_back(fmt::format("theta.{}", d));
  test::Random random(1);
  for (std::size_t i = 0; i < n; ++i) {
    const double x0 = 1.5 * random.normal();
    double log_weight = std::log(1.5) + 0.5 * x0 * x0 * (1 / 2.25 - 1);
    page.values.push_back(x0);
    for (std::size_t d = 1; d < dim; ++d) {
      const double e = random.normal();
      page.values.push_back(std::exp(x0 / 2) * e * 1.1);
      log_weight += std::log(1.1) + 0.5 * e * e * (1 - 1.21);
    }
    page.log_weights.push_back(log_weight);
  }
  page.log_z = 0;
  for (int i = 1; i <= 60; ++i) {
    page.bound.push_back({100.0 * i, -40 * std::exp(-i / 8.0) - 1.2, "mean-field"});
  }
  for (int i = 1; i <= 100; ++i) {
    page.bound.push_back({6000 + 200.0 * i, -0.9 * std::exp(-i / 20.0) - 0.2, "flow"});
  }
  page.stage_header = {"stage", "gradients", "ELBO"};
  page.stages = {{"mean-field", "6 000", "-1.20"}, {"flow", "20 000", "-0.21"}};
  return page;
}

class PosteriorPicture : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!find_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  }
  /// The text of the SVG; both pictures must be there, whole, and nothing be said.
  std::string svg(const PosteriorPage& page) {
    const auto report = write_posterior_page(page, folder_.path());
    EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
    EXPECT_EQ(report.files, (std::vector<std::filesystem::path>{"posterior.png", "posterior.svg"}));
    const auto png = test::slurp(folder_ / "posterior.png");
    EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
    return test::slurp(folder_ / "posterior.svg");
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }
  test::TemporaryFolder folder_;
};

TEST_F(PosteriorPicture, ShowsAll) {
  const auto text = svg(funnel(5, 2000));
  for (const auto* word :
       {"funnel", "reliable after reweighting", "log Z = -0.01", "Marginals", "log_tau", "theta.4",
        "Pairs that depend on each other most", "weighted", "as drawn", "Importance weights",
        "Bound on log Z", "thousand gradients", "mean-field", "log Z: 0", "20 000", "k̂ = "}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
  }
}

TEST_F(PosteriorPicture, ThePairsOfAFunnelHaveItsNeck) {
  const auto text = svg(funnel(5, 2000));
  // log_tau is in the title of its marginal and beside each of three pairs.
  EXPECT_EQ(count(text, "log_tau"), 4U);
}

TEST_F(PosteriorPicture, MeansAreWeighted) {
  auto page = funnel(1, 0);
  page.values = {1, 2, 3, 4};
  page.log_weights = {std::log(0.1), std::log(0.2), std::log(0.3), std::log(0.4)};
  const auto text = svg(page);
  EXPECT_NE(text.find("3 ± 1.2"), std::string::npos);
  EXPECT_NE(text.find("all alike"), std::string::npos);
}

TEST_F(PosteriorPicture, NumbersThatAreNoneAreLeftOutOfTheirParameter) {
  auto page = funnel(2, 0);
  for (const double x : {1.0, nan, 2.0, inf, 3.0, -1e200}) {
    page.values.insert(page.values.end(), {x, page.values.empty() ? 1.0 : 2.0});
  }
  page.log_weights.assign(6, 0);
  const auto text = svg(page);
  EXPECT_NE(text.find("log_tau   2 ± 1<"), std::string::npos);
}

TEST_F(PosteriorPicture, WeightsAreSmoothed) {
  auto page = funnel(1, 0);
  for (int i = 0; i < 2000; ++i) {
    page.values.push_back(i == 0 ? 1000 : i % 7);
    page.log_weights.push_back(-std::log((i + 0.5) / 2000));
  }
  const auto mean = [&](const std::vector<double>& log_weights) {
    return summarise(page.values, 1, normalised_weights(log_weights)).front().mean;
  };
  const auto expected = fmt::format("log_tau   {:.3g} ± ", mean(psis(page.log_weights).smoothed));
  ASSERT_NE(expected, fmt::format("log_tau   {:.3g} ± ", mean(page.log_weights)));
  EXPECT_NE(svg(page).find(expected), std::string::npos) << expected;
}

TEST_F(PosteriorPicture, APairWithoutAPoint) {
  auto page = funnel(2, 0);
  for (int i = 0; i < 100; ++i) {
    page.values.insert(page.values.end(), {i % 2 == 0 ? nan : i, i % 2 == 0 ? i : nan});
  }
  page.log_weights.assign(100, 0);
  svg(page);
}

TEST_F(PosteriorPicture, ATrendIsAPairAndSoIsABanana) {
  for (const bool banana : {false, true}) {
    PosteriorPage page;
    page.names = {"pa", "pb", "pc", "pd"};
    test::Random random(4);
    for (int i = 0; i < 1000; ++i) {
      const double b = random.normal();
      page.values.insert(page.values.end(), {random.normal(), b, random.normal(),
                                             (banana ? b * b : -b) + 0.5 * random.normal()});
    }
    const auto text = svg(page);
    const auto pairs = text.find("Pairs that depend");
    EXPECT_LT(text.find(">pb<", pairs), text.find(">pa<", pairs)) << banana;
    EXPECT_LT(text.find(">pd<", pairs), text.find(">pc<", pairs)) << banana;
  }
}

TEST_F(PosteriorPicture, ManyParametersAreChosenFrom) {
  auto page = funnel(1, 1000);
  page.names.clear();
  page.values.clear();
  for (int d = 0; d < 40; ++d) page.names.push_back(fmt::format("p.{}", d));
  test::Random random(2);
  for (std::size_t i = 0; i < 1000; ++i) {
    for (int d = 0; d < 40; ++d) {
      // Weights move p.30 ... p.37, and no others.
      const bool moved = d >= 30 && d < 38;
      page.values.push_back(random.normal() + (moved ? 3 * page.log_weights[i] : 0));
    }
  }
  const auto text = svg(page);
  EXPECT_NE(text.find("8 of 40 parameters"), std::string::npos);
  for (int d = 30; d < 38; ++d) EXPECT_NE(text.find(fmt::format("p.{} ", d)), std::string::npos);
  EXPECT_EQ(text.find("p.29 "), std::string::npos);
}

TEST_F(PosteriorPicture, TwoParametersMakeOnePair) {
  const auto text = svg(funnel(2, 500));
  EXPECT_NE(text.find(">Pair<"), std::string::npos);
}

TEST_F(PosteriorPicture, WithoutWeightsTheDrawsAreShown) {
  auto page = funnel(3, 500);
  page.log_weights.assign(500, -inf);
  const auto text = svg(page);
  EXPECT_NE(text.find("theta.2"), std::string::npos);
  EXPECT_EQ(text.find("weighted"), std::string::npos);
  EXPECT_EQ(text.find("Importance weights"), std::string::npos);
}

TEST_F(PosteriorPicture, ResampledDrawsHaveNoWeights) {
  auto page = funnel(2, 300);
  page.log_weights.clear();
  page.resampled = true;
  const auto text = svg(page);
  for (const auto* word : {"resampled", "the draws were resampled by them"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
  }
  for (const auto* word : {"as drawn", "rank of the draw", "Pareto-smoothed"}) {
    EXPECT_EQ(text.find(word), std::string::npos) << word;
  }
}

TEST_F(PosteriorPicture, WhateverIsInTheNumbers) {
  svg({});
  PosteriorPage page = funnel(3, 300);
  for (std::size_t i = 0; i < page.values.size(); i += 3)
    page.values[i] = nan;  // a whole parameter
  page.values[1] = inf;
  page.values[5] = -1e300;
  page.log_weights[3] = nan;
  page.log_weights[4] = inf;
  page.log_weights[5] = -inf;
  page.bound[3].elbo = nan;
  page.bound[4].elbo = -inf;
  page.log_z = nan;
  page.names[1] = "it's \"<odd>\" & ";
  page.stages.push_back({});
  svg(page);

  page = funnel(2, 1);  // one draw
  svg(page);
  page = funnel(2, 400);
  for (std::size_t i = 0; i < page.values.size(); i += 2) page.values[i] = 7;  // a constant
  page.bound.resize(1);
  page.stages.clear();
  svg(page);
  page.bound = {{10, nan, "flow"}, {20, -5, "flow"}};
  svg(page);
  page.log_weights.pop_back();  // not as many as draws
  svg(page);
}

TEST(PosteriorPageWithoutGnuplot, Warns) {
  const test::TemporaryFolder folder;
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", folder.path().c_str(), 1);
  const auto report = write_posterior_page(funnel(2, 100), folder.path());
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(report.files.empty());
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_EQ(report.warnings[0], gnuplot_is_missing);
}

}  // namespace
}  // namespace riffle
