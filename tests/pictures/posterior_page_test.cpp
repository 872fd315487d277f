#include "pictures/posterior_page.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "diagnostics/importance.h"
#include "diagnostics/parameter_summary.h"
#include "pictures/gnuplot.h"
#include "riffle/diagnostics.h"
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

/// Columns of a page: scalars beta and alpha declared after an array, and what is computed of them.
PosteriorPage model_page() {
  PosteriorPage page;
  for (int d = 1; d <= 10; ++d) page.names.push_back(fmt::format("theta.{}", d));
  page.names.insert(page.names.end(), {"beta", "alpha", "derived", "rep.1"});
  page.parameter_count = 12;
  test::Random random(3);
  for (int i = 0; i < 500; ++i) {
    const double x = random.normal();
    // What is computed depends on alpha, and moves with the weights, most of all.
    for (int d = 0; d < 11; ++d) page.values.push_back(random.normal());
    page.values.insert(page.values.end(), {x, 3 * x, -x});
    page.log_weights.push_back(-0.4 * x * x + 0.1 * x);
  }
  return page;
}

TEST_F(PosteriorPicture, TheModelsOwnScalarsComeFirst) {
  const auto text = svg(model_page());
  EXPECT_NE(text.find("8 of 14 parameters, the model's own scalars first"), std::string::npos);
  const auto at = [&](const std::string& name) { return text.find(name + "   "); };
  EXPECT_LT(at("beta"), at("alpha"));
  EXPECT_LT(at("alpha"), text.find("theta."));
  EXPECT_EQ(at("derived"), std::string::npos);
  EXPECT_EQ(at("rep.1"), std::string::npos);
}

TEST_F(PosteriorPicture, PairsAreOfParametersAlone) {
  auto page = model_page();
  // With few parameters there is room for the marginals of what is computed, not for its pairs.
  for (auto& name : page.names) name = "p" + name;
  page.names[10] = "v.1";
  page.parameter_count = 12;
  const auto text = svg(page);
  const auto pairs = text.find("Pairs that depend");
  ASSERT_NE(pairs, std::string::npos);
  EXPECT_EQ(text.find("pderived", pairs), std::string::npos);
  page.names.assign({"a", "b", "ab"});
  page.parameter_count = 2;
  page.values = {1, 2, 3, 2, 1, 3, 4, 4, 8, 0, 1, 1};
  page.log_weights.clear();
  const auto small = svg(page);
  EXPECT_NE(small.find(">Pair"), std::string::npos);
  EXPECT_NE(small.find("ab   "), std::string::npos);
  EXPECT_EQ(small.find(">ab<"), std::string::npos);
}

TEST_F(PosteriorPicture, WhatIsChosenIsShown) {
  auto page = model_page();
  page.chosen = {12, 3};
  const auto text = svg(page);
  EXPECT_NE(text.find("2 of 14 parameters, as asked for"), std::string::npos);
  EXPECT_LT(text.find("derived   "), text.find("theta.4   "));
  EXPECT_EQ(text.find("alpha"), std::string::npos);
  EXPECT_NE(text.find(">derived<"), std::string::npos);  // at the axis of the pair
}

TEST_F(PosteriorPicture, AShareOfEffectiveDrawsSaysOfWhich) {
  EXPECT_NE(svg(funnel(2, 321)).find("of the 321 draws in draws.csv effective"), std::string::npos);
}

TEST_F(PosteriorPicture, LargeNumbersThatDifferLittleAreTold) {
  auto page = funnel(2, 0);
  page.names = {"far", "tiny"};
  page.log_weights.clear();
  test::Random random(5);
  for (int i = 0; i < 300; ++i) {
    page.values.insert(page.values.end(),
                       {12345678.9 + 0.5 * random.normal(), 1e-90 * random.normal()});
  }
  page.bound = {{100, -1e300, "a"}, {200, -12345678.9, "a"}, {300, -12345678.2, "a"}};
  page.log_z = -12345678;
  const auto text = svg(page);
  EXPECT_NE(text.find("less 12345"), std::string::npos);
  EXPECT_NE(text.find("in 1e-90"), std::string::npos);
  EXPECT_NE(text.find("Bound on log Z less -123456"), std::string::npos);
  EXPECT_NE(text.find("log Z: -12345678"), std::string::npos);
  EXPECT_EQ(count(text, "e+07"), 0U);
}

TEST_F(PosteriorPicture, OfManyStagesTheFirstAndTheLastAreInTheTable) {
  auto page = funnel(2, 100);
  page.bound.clear();
  page.stages.clear();
  for (int s = 1; s <= 14; ++s) {
    const auto name = fmt::format("stage{}x", s);
    page.bound.push_back({100.0 * s, -1.0 * s, name});
    page.bound.push_back({100.0 * s + 50, -1.0 * s, name});
    page.stages.push_back({name, "12 345", "-1.234e+300"});
  }
  const auto text = svg(page);
  for (const int s : {1, 2, 3, 11, 12, 13, 14}) {
    EXPECT_EQ(count(text, fmt::format("stage{}x", s)), 1U) << s;  // in the table, not in the key
  }
  for (const int s : {4, 10}) EXPECT_EQ(count(text, fmt::format("stage{}x", s)), 0U) << s;
  EXPECT_NE(text.find("… 7 more"), std::string::npos);
}

/// A gnuplot that draws nothing and keeps what it was given in another folder.
class PosteriorData : public ::testing::Test {
 protected:
  PosteriorData() : path_(::getenv("PATH")) {
    std::ofstream(folder_ / "gnuplot") << "#!/bin/sh\ncp * '" << folder_.path().string() << "'\n";
    std::filesystem::permissions(folder_ / "gnuplot", std::filesystem::perms::owner_all);
    ::setenv("PATH", (folder_.path().string() + ":" + path_).c_str(), 1);
  }
  ~PosteriorData() override { ::setenv("PATH", path_.c_str(), 1); }

  /// Middles of the bars of positive height of the first histogram, and their common width.
  std::pair<std::vector<double>, double> bars(const std::vector<double>& values) {
    PosteriorPage page;
    page.names = {"x"};
    page.values = values;
    write_posterior_page(page, folder_ / "drawn");
    const auto bytes = test::slurp(folder_ / "data0");
    std::vector<double> pairs(bytes.size() / sizeof(double));
    std::memcpy(pairs.data(), bytes.data(), pairs.size() * sizeof(double));
    std::vector<double> middles;
    for (std::size_t i = 0; i < pairs.size(); i += 2) {
      if (pairs[i + 1] > 0) middles.push_back(pairs[i]);
    }
    return {middles, pairs[2] - pairs[0]};
  }

 private:
  test::TemporaryFolder folder_;
  std::string path_;
};

TEST_F(PosteriorData, NoBarReachesBeyondABound) {
  test::Random random(6);
  std::vector<double> positive;
  std::vector<double> share;
  std::vector<double> beyond_five;
  for (int i = 0; i < 4000; ++i) {
    positive.push_back(std::abs(3 * random.normal()));
    share.push_back(1 / (1 + std::exp(4 * random.normal())));
    beyond_five.push_back(5 + positive.back());
  }
  const auto [tau, tau_width] = bars(positive);
  EXPECT_NEAR(tau.front() - tau_width / 2, 0, 1e-9);
  const auto [part, part_width] = bars(share);
  EXPECT_NEAR(part.front() - part_width / 2, 0, 1e-9);
  EXPECT_NEAR(part.back() + part_width / 2, 1, 1e-9);
  const auto [five, five_width] = bars(beyond_five);
  EXPECT_GE(five.front() - five_width / 2, 5);
  EXPECT_LT(five.front() - five_width / 2, 5.1);
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
