#include "diagnostics/convergence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "diagnostics/autocovariance.h"
#include "diagnostics/quantile_functions.h"
#include "support/random.h"

namespace riffle {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// The generator of tools/golden_convergence.py.
class Noise {
 public:
  explicit Noise(std::uint32_t seed) : state_(seed) {}
  double uniform() {
    state_ = 1664525 * state_ + 1013904223;
    return (state_ + 0.5) * 0x1p-32;
  }
  double normal() {
    const double u = uniform();
    const double v = uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

 private:
  std::uint32_t state_;
};

struct Sample {
  std::size_t chains = 0;
  std::vector<double> draws;

  /// value(x, chain, draw) in place of each x.
  template <class Function>
  Sample with(Function value) const {
    Sample changed = *this;
    const std::size_t each = draws.size() / chains;
    for (std::size_t i = 0; i < draws.size(); ++i) {
      changed.draws[i] = value(draws[i], i / each, i % each);
    }
    return changed;
  }
};

Sample chains(std::size_t count, std::size_t draws, double correlation, std::uint32_t seed) {
  Noise noise(seed);
  Sample sample{count, {}};
  for (std::size_t c = 0; c < count; ++c) {
    double at = noise.normal();
    for (std::size_t t = 0; t < draws; ++t) {
      sample.draws.push_back(at);
      at = correlation * at + std::sqrt(1 - correlation * correlation) * noise.normal();
    }
  }
  return sample;
}

/// The chains of tools/golden_convergence.py, by name, before they are rounded.
Sample unrounded(const std::string& name) {
  if (name == "white") return chains(4, 1000, 0, 1);
  if (name == "ar-0.5") return chains(4, 1000, 0.5, 2);
  if (name == "ar-0.95") return chains(4, 500, 0.95, 3);
  if (name == "ar-0.99") return chains(2, 800, 0.99, 4);
  if (name == "antithetic") return chains(4, 400, -0.7, 5);
  if (name == "alternating") {
    return chains(2, 200, 0, 6).with([](double x, std::size_t, std::size_t t) {
      return (t % 2 == 0 ? 1 : -1) + 0.01 * x;
    });
  }
  if (name == "means-apart") {
    return chains(4, 300, 0.3, 7).with([](double x, std::size_t c, std::size_t) {
      return x + 0.5 * static_cast<double>(c);
    });
  }
  if (name == "scales-apart") {
    return chains(4, 300, 0.3, 8).with([](double x, std::size_t c, std::size_t) {
      return x * static_cast<double>(1 + c);
    });
  }
  if (name == "cauchy") {
    Noise noise(9);
    Sample sample{4, std::vector<double>(4000)};
    for (double& x : sample.draws) x = std::tan(std::numbers::pi * (noise.uniform() - 0.5));
    return sample;
  }
  if (name == "cube") {
    return chains(4, 500, 0.6, 10).with([](double x, auto, auto) { return x * x * x; });
  }
  if (name == "ties") {
    return chains(4, 500, 0.5, 11).with([](double x, auto, auto) { return std::floor(2 * x); });
  }
  if (name == "coin") {
    return chains(4, 500, 0.5, 12).with([](double x, auto, auto) { return x > 0.5 ? 1.0 : 0.0; });
  }
  if (name == "odd") return chains(3, 333, 0.4, 13);
  if (name == "one-chain") return chains(1, 1001, 0.7, 14);
  if (name == "short") return chains(2, 10, 0, 15);
  if (name == "short-odd") return chains(5, 13, 0.2, 16);
  if (name == "one-stands") {
    return chains(4, 300, 0.3, 17).with([](double x, std::size_t c, std::size_t) {
      return c == 2 ? 0.25 : x;
    });
  }
  if (name == "far") {
    return chains(4, 400, 0.5, 18).with([](double x, auto, auto) { return 0x1p20 + 0x1p-10 * x; });
  }
  return {};
}

Sample sample_of(const std::string& name) {
  return unrounded(name).with(
      [](double x, auto, auto) { return std::floor(x * 0x1p20 + 0.5) * 0x1p-20; });
}

constexpr const char* figure_names[] = {"mean",     "sd",           "r_hat",         "ess_bulk",
                                        "ess_tail", "ess_mean",     "ess_sd",        "mcse_mean",
                                        "mcse_sd",  "ess_quantile", "mcse_quantile", "mcse_median"};
constexpr std::size_t figure_count = std::size(figure_names);

struct Golden {
  const char* name;
  double figures[figure_count];
};

constexpr Golden golden[] = {
#include "golden_convergence.inc"
};

std::vector<double> figures_of(const Sample& sample) {
  const auto found = convergence(sample.draws, sample.chains);
  return {found.mean,
          found.sd,
          found.r_hat,
          found.ess_bulk,
          found.ess_tail,
          found.ess_mean,
          found.ess_sd,
          found.mcse_mean,
          found.mcse_sd,
          ess_quantile(sample.draws, sample.chains, 0.1),
          mcse_quantile(sample.draws, sample.chains, 0.1),
          mcse_quantile(sample.draws, sample.chains, 0.5)};
}

class GoldenConvergence : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenConvergence, IsThatOfArviZ) {
  const auto& expected = GetParam();
  const auto sample = sample_of(expected.name);
  ASSERT_FALSE(sample.draws.empty());
  const auto found = figures_of(sample);
  for (std::size_t i = 0; i < figure_count; ++i) {
    EXPECT_NEAR(found[i], expected.figures[i], 1e-10 * std::abs(expected.figures[i]) + 1e-12)
        << figure_names[i];
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenConvergence, ::testing::ValuesIn(golden), [](const auto& test) {
  std::string name = test.param.name;
  std::ranges::replace_if(
      name, [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

TEST(Convergence, EffectiveSizeIsThatOfTheProcess) {
  for (const double correlation : {-0.5, 0.0, 0.5, 0.9}) {
    const auto sample = chains(8, 5000, correlation, 21);
    const double expected = 40'000 * (1 - correlation) / (1 + correlation);
    const auto found = convergence(sample.draws, sample.chains);
    EXPECT_NEAR(found.ess_mean / expected, 1, 0.12) << correlation;
    EXPECT_NEAR(found.ess_bulk / expected, 1, 0.12) << correlation;
    EXPECT_LT(found.r_hat, 1.01);
    // The autocorrelation of squares is the square.
    const double square = correlation * correlation;
    EXPECT_NEAR(found.ess_sd / (40'000 * (1 - square) / (1 + square)), 1, 0.12) << correlation;
  }
}

TEST(Convergence, ErrorsAreThoseOverRepetitions) {
  constexpr int repetitions = 400;
  double mean = 0;
  double sd = 0;
  double median = 0;
  for (int r = 0; r < repetitions; ++r) {
    const auto sample = chains(4, 200, 0.6, static_cast<std::uint32_t>(100'003 * r + 17));
    const auto found = convergence(sample.draws, sample.chains);
    auto ordered = sample.draws;
    std::ranges::nth_element(ordered, ordered.begin() + 400);
    mean += std::pow(found.mean / found.mcse_mean, 2) / repetitions;
    sd += std::pow((found.sd - 1) / found.mcse_sd, 2) / repetitions;
    median += std::pow(ordered[400] / mcse_quantile(sample.draws, 4, 0.5), 2) / repetitions;
  }
  // χ² of 400 degrees of freedom over 400: an sd of 0.07.
  EXPECT_NEAR(mean, 1, 0.25);
  EXPECT_NEAR(sd, 1, 0.25);
  EXPECT_NEAR(median, 1, 0.25);
}

TEST(Convergence, TellsChainsApart) {
  EXPECT_GT(figures_of(sample_of("means-apart"))[2], 1.05);
  EXPECT_GT(figures_of(sample_of("scales-apart"))[2], 1.05);
  // A drift shows in the halves of one chain.
  const auto drift = chains(1, 400, 0, 3).with([](double x, std::size_t, std::size_t t) {
    return x + 0.01 * static_cast<double>(t);
  });
  EXPECT_GT(figures_of(drift)[2], 1.2);
}

TEST(Convergence, RanksDoNotSeeMonotoneMaps) {
  const auto sample = chains(4, 250, 0.5, 31);
  const auto mapped = sample.with([](double x, auto, auto) { return std::exp(3 * x); });
  const auto a = convergence(sample.draws, 4);
  const auto b = convergence(mapped.draws, 4);
  EXPECT_EQ(a.ess_bulk, b.ess_bulk);
  // The quantiles are between draws, and the same draws are below them.
  EXPECT_EQ(a.ess_tail, b.ess_tail);
}

TEST(Convergence, UnitsDoNotMatter) {
  const auto sample = chains(4, 250, 0.5, 32);
  const auto expected = figures_of(sample);
  for (const int exponent : {-1000, -60, 60, 1020}) {
    const auto found =
        figures_of(sample.with([&](double x, auto, auto) { return std::scalbn(x, exponent); }));
    for (std::size_t i = 0; i < figure_count; ++i) {
      const std::string name = figure_names[i];
      const bool is_size = name == "r_hat" || name.starts_with("ess");
      EXPECT_EQ(found[i], is_size ? expected[i] : std::scalbn(expected[i], exponent))
          << name << " times 2^" << exponent;
    }
  }
}

TEST(Convergence, DistancesBeyondTheLargestNumber) {
  // Two modes further apart than a double can tell; the median is in one of them.
  // Chains differ by their scale there, so that R̂ is that of distances.
  const auto sample = chains(4, 250, 0.5, 33).with([](double x, std::size_t c, std::size_t) {
    return x > 0.3 ? 0.8 + 0.02 * x : -0.8 + 0.005 * static_cast<double>(1 + c) * x;
  });
  const auto far = sample.with([](double x, auto, auto) { return std::scalbn(x, 1024); });
  const auto a = convergence(sample.draws, 4);
  const auto b = convergence(far.draws, 4);
  EXPECT_EQ(a.r_hat, b.r_hat);
  EXPECT_EQ(a.ess_bulk, b.ess_bulk);
  EXPECT_EQ(a.ess_mean, b.ess_mean);
  EXPECT_EQ(std::scalbn(a.sd, 1000), std::scalbn(b.sd, -24));
}

TEST(Convergence, WhatCannotBeSaidIsNaN) {
  const auto all_nan = [](const Sample& sample, std::size_t from) {
    const auto figures = figures_of(sample);
    return std::all_of(figures.begin() + static_cast<std::ptrdiff_t>(from), figures.end(),
                       [](double v) { return std::isnan(v); });
  };
  EXPECT_TRUE(all_nan({0, {}}, 0));
  EXPECT_TRUE(all_nan({2, {}}, 0));
  for (const double bad : {nan, inf, -inf}) {
    auto sample = chains(4, 100, 0, 1);
    sample.draws[37] = bad;
    EXPECT_TRUE(all_nan(sample, 0)) << bad;
  }
  const Sample constant{4, std::vector<double>(400, 0.1)};
  EXPECT_TRUE(all_nan(constant, 2));
  EXPECT_EQ(figures_of(constant)[0], 0.1);
  EXPECT_EQ(figures_of(constant)[1], 0);
  EXPECT_TRUE(all_nan(chains(4, 3, 0, 1), 2));
  EXPECT_FALSE(std::isnan(figures_of(chains(4, 3, 0, 1))[1]));
  EXPECT_FALSE(std::isnan(figures_of(chains(4, 4, 0, 1))[2]));
  EXPECT_TRUE(all_nan(chains(4, 9, 0, 1), 3));
  EXPECT_FALSE(std::isnan(figures_of(chains(4, 10, 0, 1))[3]));
}

TEST(Convergence, ChainsThatStandStill) {
  const auto sample = chains(4, 100, 0, 1).with([](double, std::size_t c, std::size_t) {
    return static_cast<double>(c);
  });
  const auto found = convergence(sample.draws, 4);
  EXPECT_GT(found.r_hat, 1e6);
  EXPECT_LT(found.ess_bulk, 5);
  EXPECT_LT(found.ess_mean, 5);
}

TEST(Convergence, OneSideOfAQuantileSaysNothing) {
  // 98 % of the draws are the largest value: x ≤ q is always true, and nothing is known of the
  // tail.
  const auto rare =
      chains(4, 500, 0, 41).with([](double x, auto, auto) { return x < -2.05 ? 0.0 : 1.0; });
  EXPECT_TRUE(std::isnan(convergence(rare.draws, 4).ess_tail));
  EXPECT_FALSE(std::isnan(convergence(rare.draws, 4).ess_bulk));
  // Of a coin it is the other tail that tells.
  const auto coin = sample_of("coin");
  EXPECT_EQ(convergence(coin.draws, 4).ess_tail, ess_quantile(coin.draws, 4, 0.05));
  EXPECT_TRUE(std::isnan(ess_quantile(coin.draws, 4, 0.95)));
}

TEST(Autocovariance, IsThatOfTheSums) {
  test::Random random(5);
  for (const std::size_t draws : {1U, 2U, 3U, 7U, 8U, 33U}) {
    for (const std::size_t count : {1U, 2U, 3U, 4U}) {
      std::vector<double> x(draws * count);
      for (double& v : x) v = random.normal();
      const auto found = Autocovariance(draws).mean_over(x);
      ASSERT_EQ(found.size(), draws);
      for (std::size_t lag = 0; lag < draws; ++lag) {
        double expected = 0;
        for (std::size_t c = 0; c < count; ++c) {
          const auto chain = std::span(x).subspan(c * draws, draws);
          const double mean =
              std::accumulate(chain.begin(), chain.end(), 0.0) / static_cast<double>(draws);
          for (std::size_t t = 0; t + lag < draws; ++t) {
            expected += (chain[t] - mean) * (chain[t + lag] - mean);
          }
        }
        expected /= static_cast<double>(draws * count);
        EXPECT_NEAR(found[lag], expected, 1e-14) << draws << ' ' << count << ' ' << lag;
      }
    }
  }
}

TEST(QuantileFunctions, Normal) {
  for (const double x : {-37.0, -8.0, -3.0, -1.0, -1e-3, 0.0}) {
    const double p = 0.5 * std::erfc(-x / std::numbers::sqrt2);
    EXPECT_NEAR(normal_quantile(p), x, 1e-14 * std::max(1.0, -x)) << x;
  }
  for (const double p : {0.1, 0.25, 0.4999, 0.03125}) {
    EXPECT_EQ(normal_quantile(1 - p), -normal_quantile(1 - (1 - p)));
  }
  EXPECT_NEAR(normal_quantile(0.975), 1.9599639845400545, 1e-15);
  EXPECT_EQ(normal_quantile(0), -inf);
  EXPECT_EQ(normal_quantile(1), inf);
  EXPECT_TRUE(std::isnan(normal_quantile(1.5)));
  EXPECT_TRUE(std::isnan(normal_quantile(nan)));
}

TEST(QuantileFunctions, Beta) {
  struct Known {
    double p, a, b, x;
  };
  // By scipy.stats.beta.ppf.
  for (const auto& known : {
           Known{0.1586552539314571, 1, 1, 0.158655253931457},
           Known{0.1586552539314571, 2, 5, 0.121398111462614},
           Known{0.1586552539314571, 11.5, 91.5, 0.0809452868112893},
           Known{0.1586552539314571, 401, 401, 0.482344389644661},
           Known{0.1586552539314571, 2, 4000, 0.000177008565769698},
           Known{0.1586552539314571, 4000, 2, 0.999175561480354},
           Known{0.1586552539314571, 100000, 900000, 0.099700000355758},
           Known{0.5, 1, 1, 0.5},
           Known{0.5, 2, 5, 0.26444998329566},
           Known{0.5, 11.5, 91.5, 0.109136459719773},
           Known{0.5, 401, 401, 0.5},
           Known{0.5, 2, 4000, 0.000419446318612643},
           Known{0.5, 4000, 2, 0.999580553681387},
           Known{0.5, 100000, 900000, 0.099999733333339},
           Known{0.8413447460685429, 1, 1, 0.841344746068543},
           Known{0.8413447460685429, 2, 5, 0.454017055998311},
           Known{0.8413447460685429, 11.5, 91.5, 0.142391921812716},
           Known{0.8413447460685429, 401, 401, 0.517655610355339},
           Known{0.8413447460685429, 2, 4000, 0.000824438519646391},
           Known{0.8413447460685429, 4000, 2, 0.99982299143423},
           Known{0.8413447460685429, 100000, 900000, 0.100299999644646},
       }) {
    EXPECT_NEAR(beta_quantile(known.p, known.a, known.b), known.x, 1e-10 * known.x)
        << known.p << ' ' << known.a << ' ' << known.b;
  }
  EXPECT_TRUE(std::isnan(beta_quantile(0.5, 0, 1)));
  EXPECT_TRUE(std::isnan(beta_quantile(0.5, inf, 1)));
  EXPECT_TRUE(std::isnan(beta_quantile(nan, 1, 1)));
}

}  // namespace
}  // namespace riffle
