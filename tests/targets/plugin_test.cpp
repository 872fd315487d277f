// Plug-ins: the examples in C and Fortran, and some that misbehave.

#include "riffle/targets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "core/aligned.h"
#include "riffle/riffle.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;

const std::filesystem::path fakes = RIFFLE_FAKES;
const std::filesystem::path plugins = RIFFLE_PLUGINS;

/// ln p at one point, alone in its tile, and its gradient.
double at(const Target& target, const std::vector<double>& point, std::vector<double>& slope) {
  TileBuffer<double> z(target.dim());
  TileBuffer<double> gradient(target.dim());
  std::vector<double> value(1);
  for (std::size_t d = 0; d < target.dim(); ++d) z.row(d)[0] = point[d];
  target.evaluate(z.view(1), value, gradient.view(1));
  slope.clear();
  for (std::size_t d = 0; d < target.dim(); ++d) slope.push_back(gradient.row(d)[0]);
  return value[0];
}

void expect_gradient(const Target& target, const std::vector<double>& point) {
  constexpr double h = 1e-4;
  std::vector<double> slope;
  std::vector<double> unused;
  at(target, point, slope);
  for (std::size_t d = 0; d < point.size(); ++d) {
    const auto moved = [&](double by) {
      auto other = point;
      other[d] += by;
      return at(target, other, unused);
    };
    const double slope_by_differences =
        (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
    EXPECT_NEAR(slope[d], slope_by_differences, 1e-8 * (1 + std::abs(slope[d]))) << d;
  }
}

TEST(Plugin, NamesAreCheckedAsItIsLoaded) {
  const auto library = fakes / "fake_plugin_names.so";
  for (const char* name : {"", "null", "lp__", "other", "a,b", "a\nb", "\xCE\xB1\xFF", "#a"}) {
    const auto told = message_of(
        ErrorKind::data, [&] { load_plugin(library, name, {}); }, name);
    EXPECT_TRUE(contains(told, "name")) << told;
  }
  for (const char* name : {"a", "a b", "\xCE\xB1", "a.1"}) {
    EXPECT_EQ(load_plugin(library, name, {})->parameter_names().front(), name);
  }
}

TEST(Plugin, UnconstrainIsTheInverse) {
  const auto target = load_plugin(fakes / "fake_plugin_names.so", "sigma", {});
  std::vector<double> z(1);
  ASSERT_TRUE(target->unconstrain(std::vector<double>{2.5}, z));
  EXPECT_EQ(z[0], std::log(2.5));
  ASSERT_TRUE(target->unconstrain(std::vector<double>{-1}, z));
  EXPECT_TRUE(std::isnan(z[0]));
  // Without names constrain copies.
  const auto plain = load_plugin(fakes / "fake_plugin.so", "", {});
  ASSERT_TRUE(plain->unconstrain(std::vector<double>{-1}, z));
  EXPECT_EQ(z[0], -1);
}

TEST(Plugin, InCEvaluatesAFullTile) {
  const auto target = load_plugin(plugins / "banana.so", "0.25");
  ASSERT_EQ(target->dim(), 2U);
  EXPECT_EQ(target->name(), "banana");
  EXPECT_TRUE(target->thread_safe());
  EXPECT_TRUE(target->keeps_constants());
  EXPECT_EQ(target->log_z(), 0.0);
  TileBuffer<double> z(2);
  TileBuffer<double> gradient(2);
  std::vector<double> value(tile_size);
  for (std::size_t s = 0; s < tile_size; ++s) {
    z.row(0)[s] = 0.02 * static_cast<double>(s) - 1;
    z.row(1)[s] = 1 - 0.01 * static_cast<double>(s);
  }
  target->evaluate(z.view(), value, gradient.view());
  const auto log_normal = [](double x, double sd) {
    return -0.5 * x * x / (sd * sd) - std::log(sd) - 0.918938533204672742;
  };
  for (std::size_t s = 0; s < tile_size; ++s) {
    const double x = z.row(0)[s];
    const double off = z.row(1)[s] - x * x;
    EXPECT_NEAR(value[s], log_normal(x, 1) + log_normal(off, 0.25), 1e-12);
    EXPECT_NEAR(gradient.row(0)[s], -x + 32 * x * off, 1e-12);
    EXPECT_NEAR(gradient.row(1)[s], -16 * off, 1e-12);
  }
  expect_gradient(*target, {0.7, -0.2});
}

TEST(Plugin, InCHasNamesAndValues) {
  const auto target = load_plugin(plugins / "banana.so", "");
  EXPECT_EQ(target->parameter_names(), (std::vector<std::string>{"x", "y", "radius"}));
  EXPECT_EQ(target->parameter_count(), 2U);
  std::vector<double> values(3);
  target->constrain(std::vector<double>{3, 4}, values);
  EXPECT_EQ(values, (std::vector<double>{3, 4, 5}));
  EXPECT_TRUE(contains(
      message_of(ErrorKind::data, [] { load_plugin(plugins / "banana.so", "wide"); }), "\"wide\""));
}

TEST(Plugin, InFortranIsARegression) {
  if (!std::filesystem::exists(plugins / "regression.so")) {
    GTEST_SKIP() << "there was no Fortran compiler: apt-get install gfortran";
  }
  const test::TemporaryFolder folder;
  test::spill(folder / "points.txt", "0 1.0\n1 2.5\n2 4.5\n-1 0.5\n");
  const auto target = load_plugin(plugins / "regression.so", (folder / "points.txt").string());
  ASSERT_EQ(target->dim(), 3U);
  EXPECT_EQ(target->parameter_names(), (std::vector<std::string>{"alpha", "beta", "sigma"}));
  const std::vector<double> x{0, 1, 2, -1};
  const std::vector<double> y{1, 2.5, 4.5, 0.5};
  const std::vector<double> point{0.8, 1.3, -0.4};
  const auto log_normal = [](double value, double sd) {
    return -0.5 * value * value / (sd * sd) - std::log(sd) - 0.918938533204672742;
  };
  double expected = log_normal(0.8, 5) + log_normal(1.3, 5) + log_normal(-0.4, 1);
  for (std::size_t i = 0; i < x.size(); ++i) {
    expected += log_normal(y[i] - 0.8 - 1.3 * x[i], std::exp(-0.4));
  }
  std::vector<double> slope;
  EXPECT_NEAR(at(*target, point, slope), expected, 1e-12);
  expect_gradient(*target, point);
  std::vector<double> values(3);
  target->constrain(point, values);
  EXPECT_DOUBLE_EQ(values[2], std::exp(-0.4));
  for (const std::string bad : {"", "/nowhere/points.txt"}) {
    EXPECT_TRUE(
        contains(message_of(ErrorKind::data, [&] { load_plugin(plugins / "regression.so", bad); }),
                 "cannot read the file \"" + bad + '"'));
  }
  test::spill(folder / "words.txt", "one two\n");
  EXPECT_TRUE(contains(
      message_of(ErrorKind::data,
                 [&] { load_plugin(plugins / "regression.so", (folder / "words.txt").string()); }),
      "two columns"));
}

TEST(Plugin, WithoutItsOptionalFunctionsPromisesNothing) {
  const auto target = load_plugin(fakes / "fake_plugin.so", "");
  EXPECT_FALSE(target->thread_safe());
  EXPECT_FALSE(target->keeps_constants());
  EXPECT_FALSE(target->log_z());
  EXPECT_EQ(target->parameter_names(), std::vector<std::string>{"z.1"});
  EXPECT_EQ(target->parameter_count(), 1U);
  std::vector<double> value(1);
  target->constrain(std::vector<double>{2.5}, value);
  EXPECT_EQ(value[0], 2.5);
  EXPECT_TRUE(load_plugin(fakes / "fake_plugin.so", "", {true})->thread_safe());
}

TEST(Plugin, CountsItsFailures) {
  const auto target = load_plugin(fakes / "fake_plugin.so", "");
  TileBuffer<double> z(1);
  TileBuffer<double> gradient(1);
  std::vector<double> value(3);
  z.row(0)[0] = 0.5;
  z.row(0)[1] = 2;
  z.row(0)[2] = 3;
  target->evaluate(z.view(3), value, gradient.view(3));
  EXPECT_DOUBLE_EQ(value[0], -0.125);
  EXPECT_DOUBLE_EQ(gradient.row(0)[0], -0.5);
  for (const std::size_t s : {1U, 2U}) {
    EXPECT_TRUE(std::isnan(value[s]) && std::isnan(gradient.row(0)[s])) << s;
  }
  EXPECT_EQ(target->failures().count, 2U);
  EXPECT_EQ(target->failures().first_message, "2 is above 1");
  z.row(0)[0] = 7;
  target->evaluate(z.view(1), value, gradient.view(1));
  EXPECT_EQ(target->failures().count, 3U);
  EXPECT_EQ(target->failures().first_message, "2 is above 1");
}

TEST(Plugin, IsRefusedWithAReason) {
  const auto refusal = [](const char* name, const char* data) {
    return message_of(
        ErrorKind::data, [&] { load_plugin(fakes / name, data); }, name);
  };
  EXPECT_TRUE(contains(refusal("fake_plugin_of_the_future.so", ""),
                       "version 2 of the plug-in interface, and this is version 1"));
  EXPECT_TRUE(contains(refusal("fake_plugin_incomplete.so", ""), "or none"));
  EXPECT_TRUE(contains(refusal("fake_bridgestan.so", ""), "no function riffle_plugin_abi"));
  EXPECT_TRUE(contains(refusal("fake_plugin.so", "refuse"), "refuses its data: I will not"));
  EXPECT_TRUE(contains(refusal("fake_plugin.so", "refuse without end"), "xxx"));
  EXPECT_TRUE(contains(refusal("fake_plugin.so", "flat"), "dimension 0"));
  message_of(ErrorKind::no_input, [] { load_plugin(fakes / "none.so", ""); });
}

TEST(Plugin, IsFitted) {
  Spec spec;
  spec.target.plugin = (plugins / "banana.so").string();
  spec.flow.layers = "planar:8";
  spec.objective.name = "free-energy";
  spec.optimizer.name = "adam";
  spec.run.iterations = 4000;
  spec.run.evaluation_draws = 5000;
  spec.run.draws = 100;
  const auto report = fit(spec);
  EXPECT_EQ(report.target, "banana");
  ASSERT_TRUE(report.kl);
  EXPECT_LT(*report.kl, 0.5);
  EXPECT_GT(*report.kl, -0.02);
}

}  // namespace
}  // namespace riffle
