// What is known of single bases in closed form.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

#include "bases/base_checks.h"
#include "bases/gamma_ratio.h"
#include "support/effort.h"
#include "support/random.h"

namespace riffle::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T>
T log_density(std::string_view base, const std::vector<double>& params,
              const std::vector<double>& point) {
  const auto made = make_base<T>(base, point.size(), InstructionSet::best());
  TileBuffer<T> z(point.size());
  for (std::size_t d = 0; d < point.size(); ++d) {
    std::fill_n(z.row(d), tile_size, static_cast<T>(point[d]));
  }
  AlignedVector<T> result(tile_size);
  made->log_density(as<T>(params), std::as_const(z).view(1), result.data());
  return result[0];
}

/// Samples the tiles of one base one after the other.
struct Tiles {
  Tiles(std::string_view text, std::size_t dim, std::vector<double> values)
      : base(make_base<double>(text, dim, InstructionSet::best())),
        params(std::move(values)),
        cache(base->cache_size()),
        z(dim) {}
  void draw(int tile) {
    base->sample(params, base_stream, static_cast<std::uint64_t>(tile) * tile_size, z.view(),
                 cache.data());
  }
  std::unique_ptr<Base<double>> base;
  std::vector<double> params;
  AlignedVector<double> cache;
  TileBuffer<double> z;
};

/// Mean and standard error of what is added, one value for each tile.
struct Mean {
  double sum = 0;
  double squares = 0;
  double n = 0;
  void add(double x) {
    sum += x;
    squares += x * x;
    n += 1;
  }
  double mean() const { return sum / n; }
  double error() const { return std::sqrt((squares / n - mean() * mean()) / n); }
};

// Values of SciPy 1.x, scipy.stats, and of mpmath with 30 digits.

TEST(DiagonalNormal, LogDensityIsScipys) {
  EXPECT_NEAR(log_density<double>("diagonal-normal", {2, -1, 0.4, 0.2}, {0.7, -0.2}),
              -3.0320624558198022, 1e-14);
  EXPECT_NEAR(log_density<double>("diagonal-normal(learn=no, mean=1, sd=2)", {}, {3}),
              -std::log(2) - 0.5 * std::log(2 * std::numbers::pi) - 0.5, 1e-14);
}

const std::vector<double> triangle{0.5, -1, 2, 0.3, -0.4, 0.1, 0.7, -1.1, 0.25};

TEST(FullNormal, LogDensityIsScipys) {
  EXPECT_NEAR(log_density<double>("full-normal", triangle, {1.2, 0.4, -0.3}), -5.9213900218672713,
              1e-14);
}

TEST(FullNormal, DrawsHaveItsMeanAndCovariance) {
  constexpr std::size_t dim = 3;
  const double l[dim][dim] = {
      {std::exp(0.3), 0, 0}, {0.7, std::exp(-0.4), 0}, {-1.1, 0.25, std::exp(0.1)}};
  Tiles base("full-normal", dim, triangle);
  Mean mean[dim];
  Mean product[dim][dim];
  for (int tile = 0; tile < repetitions(8000); ++tile) {
    base.draw(tile);
    for (std::size_t i = 0; i < dim; ++i) {
      double sum = 0;
      for (std::size_t s = 0; s < tile_size; ++s) sum += base.z.row(i)[s] - triangle[i];
      mean[i].add(sum / tile_size);
      for (std::size_t j = 0; j <= i; ++j) {
        double both = 0;
        for (std::size_t s = 0; s < tile_size; ++s) {
          both += (base.z.row(i)[s] - triangle[i]) * (base.z.row(j)[s] - triangle[j]);
        }
        product[i][j].add(both / tile_size);
      }
    }
  }
  for (std::size_t i = 0; i < dim; ++i) {
    EXPECT_NEAR(mean[i].mean(), 0, 4.5 * mean[i].error());
    for (std::size_t j = 0; j <= i; ++j) {
      double covariance = 0;
      for (std::size_t k = 0; k < dim; ++k) covariance += l[i][k] * l[j][k];
      EXPECT_NEAR(product[i][j].mean(), covariance, 4.5 * product[i][j].error()) << i << j;
    }
  }
}

// With the same random numbers the fixed normals are the standard one, moved and stretched.
TEST(FixedNormals, AreTheStandardNormalMovedAndStretched) {
  Tiles standard("standard-normal", 3, {});
  standard.draw(7);
  for (const auto* text :
       {"diagonal-normal(learn=no, mean=1, sd=2)", "full-normal(learn=no, mean=1, sd=2)"}) {
    Tiles base(text, 3, {});
    base.draw(7);
    EXPECT_EQ(base.base->parameters().size(), 0u);
    for (std::size_t d = 0; d < 3; ++d) {
      for (std::size_t s = 0; s < tile_size; ++s) {
        EXPECT_NEAR(base.z.row(d)[s], 1 + 2 * standard.z.row(d)[s], 1e-14);
      }
    }
  }
}

TEST(GammaRatio, IsThatOfTheGammaFunction) {
  struct Known {
    double a;
    double value;
    double slope;
  };
  for (const auto& [a, value, slope] :
       {Known{0.25, -0.39159439270683677647, 1.1415926535897932385},
        Known{0.5, -0.22579135264472743236, 0.38629436111989061883},
        Known{1, -0.12078223763524522235, 0.11370563888010938117},
        Known{3, -0.041479722546925930299, 0.013705638880109381166},
        Known{12, -0.010413658831440292768, 0.00086730463243336474541},
        Known{50, -0.0024999583383318163365, 0.000049997500499787654828}}) {
    EXPECT_NEAR(GammaRatio::value(a), value, 4e-16 * (1 + std::abs(value))) << a;
    EXPECT_NEAR(GammaRatio::slope(a), slope, 1e-14 * slope) << a;
    EXPECT_NEAR(GammaRatio::slope(Dual(a, 1)).value, slope, 1e-14 * slope) << a;
    EXPECT_NEAR(GammaRatio::value(Dual(a, 1)).tangent, slope, 1e-13 * slope) << a;
  }
  for (double a = 0.3; a < 200; a *= 1.07) {
    EXPECT_NEAR(GammaRatio::value(a), std::lgamma(a + 0.5) - std::lgamma(a) - 0.5 * std::log(a),
                1e-15 * (1 + std::abs(std::lgamma(a))))
        << a;
  }
  EXPECT_EQ(GammaRatio::value(1e300), -0.125e-300);
}

std::vector<double> student(double nu, double location, double scale) {
  return {location, std::log(scale), std::log(nu - 0.5)};
}

TEST(StudentT, LogDensityIsScipys) {
  struct Known {
    double nu, location, scale, z, value;
  };
  for (const auto& [nu, location, scale, z, value] :
       {Known{5, 0, 1, 0.3, -1.02213934343971712}, Known{1.5, 1, 2, -7.5, -4.97998416563209562},
        Known{0.75, 0, 1, 1e6, -25.634604471577567}, Known{40, -3, 0.1, -2.5, -8.57551301318118422},
        Known{1e4, 0, 1, 2.25, -3.44982608765955625}, Known{1, 0, 1, 3, -3.44731497884344586}}) {
    EXPECT_NEAR(log_density<double>("student-t", student(nu, location, scale), {z}), value,
                1e-14 * (1 + std::abs(value)))
        << nu;
    EXPECT_NEAR(log_density<float>("student-t", student(nu, location, scale), {z}), value,
                2e-6 * (1 + std::abs(value)))
        << nu;
  }
}

TEST(StudentT, BecomesTheNormalAndNeverOverflows) {
  constexpr double half_log_two_pi = 0.91893853320467274178;
  for (const double phi : {30.0, 40.0, 50.0, 1e3, 1e300}) {
    EXPECT_NEAR(log_density<double>("student-t", {0, 0, phi}, {1.5}), -1.125 - half_log_two_pi,
                1e-12);
    EXPECT_NEAR(log_density<float>("student-t", {0, 0, std::min(phi, 1e30)}, {1.5}),
                -1.125 - half_log_two_pi, 1e-6);
  }
  for (const double phi : {-1e300, -800.0, -100.0, -20.0, 0.0, 20.0, 45.0, 100.0, 800.0, 1e300}) {
    Tiles base("student-t", 2, {0, 0, 0, 0, phi, phi});
    double largest = 0;
    for (int tile = 0; tile < repetitions(2000); ++tile) {
      base.draw(tile);
      for (std::size_t s = 0; s < tile_size; ++s) {
        ASSERT_TRUE(std::isfinite(base.z.row(1)[s])) << phi;
        largest = std::max(largest, std::abs(base.z.row(1)[s]));
      }
      std::vector<double> grad(6, 0.0);
      TileBuffer<double> g(2);
      AlignedVector<double> one(tile_size, 1.0);
      base.base->log_density_vjp(base.params, std::as_const(base.z).view(), one.data(), g.view(),
                                 grad);
      base.base->sample_vjp(base.params, std::as_const(base.z).view(), base.cache.data(),
                            std::as_const(g).view(), grad);
      for (const double v : grad) ASSERT_TRUE(std::isfinite(v)) << phi;
    }
    if (phi >= 20) {
      EXPECT_LT(largest, 7);
    } else if (phi <= -20) {
      EXPECT_GT(largest, 1e5);
    }
  }
}

// Of the smallest u there is, at the fewest degrees of freedom: in float e^y nearly overflows.
TEST(StudentT, HeaviestTailsAreFiniteInFloat) {
  const auto base =
      make_base<float>("student-t(learn=no, nu=0.50000006)", 1, InstructionSet::best());
  TileBuffer<float> z(1);
  AlignedVector<float> log_q(tile_size);
  float largest = 0;
  for (int tile = 0; tile < repetitions(40'000); ++tile) {
    base->sample({}, base_stream, static_cast<std::uint64_t>(tile) * tile_size, z.view(), nullptr);
    base->log_density({}, std::as_const(z).view(), log_q.data());
    for (std::size_t s = 0; s < tile_size; ++s) {
      ASSERT_TRUE(std::isfinite(z.row(0)[s]) && std::isfinite(log_q[s]));
      largest = std::max(largest, std::abs(z.row(0)[s]));
    }
  }
  EXPECT_GT(largest, 1e8F);
}

const std::vector<double> three{0.2, -0.5, 1.0,  0,   1,   2,    -1, -1.5,
                                0.5, 0.1,  -0.3, 0.4, 0.2, -0.6, 0};

TEST(Mixture, LogDensityIsScipys) {
  EXPECT_NEAR(log_density<double>("mixture(components=3)", three, {0.7, -0.2}), -4.0182172594854801,
              1e-14);
  EXPECT_NEAR(log_density<float>("mixture(components=3)", three, {0.7, -0.2}), -4.0182172594854801,
              2e-6);
}

TEST(Mixture, FarAwayTheDensityIsThatOfTheWidestComponent) {
  const std::vector<double> params{0, 0, -1, 1, 0, std::log(2)};
  const double t = (1e6 - 1) / 2;
  EXPECT_NEAR(log_density<double>("mixture(components=2)", params, {1e6}),
              -0.5 * t * t - std::log(2) - std::log(2) - 0.5 * std::log(2 * std::numbers::pi),
              1e-3);
  EXPECT_EQ(log_density<double>("mixture(components=2)", params, {infinity}), -infinity);
  EXPECT_EQ(log_density<double>("mixture(components=2)", params, {-infinity}), -infinity);
  EXPECT_TRUE(std::isnan(log_density<double>("mixture(components=2)", params, {std::nan("")})));
}

TEST(Mixture, ComponentsArePickedWithTheirWeights) {
  // So far apart that each draw tells where it comes from; one of them all but never.
  const std::vector<double> params{0, 1, -60, 0.5, -300, -100, 100, 300, 0, 1, 0, 0.5};
  Tiles base("mixture(components=4)", 1, params);
  double number[4] = {};
  double total = 0;
  for (int tile = 0; tile < repetitions(4000); ++tile) {
    base.draw(tile);
    for (std::size_t s = 0; s < tile_size; ++s) {
      const auto k = static_cast<std::size_t>((base.z.row(0)[s] + 400) / 200);
      ASSERT_LT(k, 4u);
      ++number[k];
      ++total;
    }
  }
  const double sum = 1 + std::exp(1) + std::exp(0.5) + std::exp(-60);
  for (std::size_t k = 0; k < 4; ++k) {
    const double weight = std::exp(params[k]) / sum;
    EXPECT_NEAR(number[k] / total, weight, 4.5 * std::sqrt(weight / total)) << k;
  }
}

// ∂z/∂θ in one dimension is -(∂F/∂θ)/q: values of mpmath, out into the tails, where the numerator
// cancels unless it is taken on the proper side.
TEST(Mixture, VelocitiesAreThoseOfTheDistributionFunction) {
  const std::vector<double> params{0.3, -0.4, -2, 2.5, -0.2, 0.5};
  const auto base = make_base<double>("mixture(components=2)", 1, InstructionSet::best());
  struct Known {
    double z;
    double v[6];
  };
  for (const auto& [z, v] :
       {Known{-9,
              {0.154873168038606, -0.154873168038606, 1.9921779713974755e-5, 0.99998007822028603,
               -0.00013945245799782329, -11.499770899533289}},
        Known{-2.5,
              {-0.2204701301414424, 0.2204701301414424, 0.99701752521594864, 0.0029824747840513579,
               -0.49850876260797432, -0.01491237392025679}},
        Known{0.25,
              {-5.164816168849503, 5.164816168849503, 0.19077435869317266, 0.80922564130682734,
               0.42924230705963848, -1.8207576929403615}},
        Known{3,
              {-1.1011680760240238, 1.1011680760240238, 3.3833181182808753e-8, 0.99999996616681882,
               1.6916590591404377e-7, 0.49999998308340941}},
        Known{14,
              {-0.15487687813677317, 0.15487687813677317, 1.748211814001511e-72, 1.0,
               2.7971389024024177e-71, 11.5}}}) {
    const auto claimed = velocities(*base, params, {z});
    for (std::size_t i = 0; i < 6; ++i) {
      EXPECT_NEAR(claimed[i][0], v[i], 2e-13 * std::abs(v[i])) << "parameter " << i << " at " << z;
    }
  }
}

// E[½ Σ z_d² + z_0 z_1 + Σ c_d z_d] = Σ_k π_k (½ Σ (m² + s²) + m_0 m_1 + Σ c m): its gradient is
// that of the draws on average.
TEST(Mixture, GradientsOfMomentsAreTheClosedForm) {
  constexpr std::size_t k_max = 3;
  constexpr double c[] = {0.7, -0.4};
  Tiles base("mixture(components=3)", 2, three);
  std::vector<double> exact(three.size());
  double total = 0;
  double value[k_max];
  double mean_value = 0;
  for (std::size_t k = 0; k < k_max; ++k) total += std::exp(three[k]);
  for (std::size_t k = 0; k < k_max; ++k) {
    const double weight = std::exp(three[k]) / total;
    const double* const m = three.data() + k_max + 2 * k;
    const double* const log_sd = three.data() + 3 * k_max + 2 * k;
    value[k] = m[0] * m[1];
    for (std::size_t d = 0; d < 2; ++d) {
      const double variance = std::exp(2 * log_sd[d]);
      value[k] += 0.5 * (m[d] * m[d] + variance) + c[d] * m[d];
      exact[k_max + 2 * k + d] = weight * (m[d] + m[1 - d] + c[d]);
      exact[3 * k_max + 2 * k + d] = weight * variance;
    }
    mean_value += weight * value[k];
  }
  for (std::size_t k = 0; k < k_max; ++k) {
    exact[k] = std::exp(three[k]) / total * (value[k] - mean_value);
  }
  std::vector<Mean> means(three.size());
  TileBuffer<double> g(2);
  for (int tile = 0; tile < repetitions(8000); ++tile) {
    base.draw(tile);
    for (std::size_t s = 0; s < tile_size; ++s) {
      for (std::size_t d = 0; d < 2; ++d) {
        g.row(d)[s] = (base.z.row(d)[s] + base.z.row(1 - d)[s] + c[d]) / tile_size;
      }
    }
    std::vector<double> grad(three.size(), 0.0);
    base.base->sample_vjp(three, std::as_const(base.z).view(), base.cache.data(),
                          std::as_const(g).view(), grad);
    for (std::size_t i = 0; i < grad.size(); ++i) means[i].add(grad[i]);
  }
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_NEAR(means[i].mean(), exact[i], 4.5 * means[i].error()) << i;
    EXPECT_LT(means[i].error(), 0.02) << i;
  }
}

TEST(Mixture, OfOneComponentIsTheNormalWithItsGradient) {
  const std::vector<double> params{0.7, 1, -2, 0.3, -0.5};
  Tiles mixture("mixture(components=1)", 2, params);
  Tiles normal("diagonal-normal", 2, {params.begin() + 1, params.end()});
  mixture.draw(3);
  normal.draw(3);
  TileBuffer<double> g(2);
  Random random(4);
  for (std::size_t d = 0; d < 2; ++d) {
    for (std::size_t s = 0; s < tile_size; ++s) {
      EXPECT_NEAR(mixture.z.row(d)[s], normal.z.row(d)[s], 1e-14);
      g.row(d)[s] = random.normal();
    }
  }
  std::vector<double> a(5, 0.0);
  std::vector<double> b(4, 0.0);
  mixture.base->sample_vjp(mixture.params, std::as_const(mixture.z).view(), mixture.cache.data(),
                           std::as_const(g).view(), a);
  normal.base->sample_vjp(normal.params, std::as_const(normal.z).view(), normal.cache.data(),
                          std::as_const(g).view(), b);
  EXPECT_NEAR(a[0], 0, 1e-12);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(a[i + 1], b[i], 1e-12 * (1 + std::abs(b[i])));
}

TEST(UniformBox, DensityIsFlatInsideAndNothingOutside) {
  constexpr std::string_view box = "uniform-box(low=-0.5, high=2)";
  const double inside = -3 * std::log(2.5);
  EXPECT_EQ(log_density<double>(box, {}, {0, 1, 1.5}), inside);
  EXPECT_EQ(log_density<double>(box, {}, {-0.5, 2, 0}), inside);
  EXPECT_EQ(log_density<double>(box, {}, {-0.5, std::nextafter(2.0, 3.0), 0}), -infinity);
  EXPECT_EQ(log_density<double>(box, {}, {std::nextafter(-0.5, -1.0), 1, 0}), -infinity);
  EXPECT_EQ(log_density<double>(box, {}, {0, 0, infinity}), -infinity);
  EXPECT_EQ(log_density<double>(box, {}, {0, std::nan(""), 0}), -infinity);
  EXPECT_FLOAT_EQ(log_density<float>(box, {}, {0, 1, 1.5}), static_cast<float>(inside));
}

TEST(UniformBox, DrawsStayInside) {
  const auto check = []<class T>(T, std::string_view text, T low, T high) {
    const auto base = make_base<T>(text, 3, InstructionSet::best());
    TileBuffer<T> z(3);
    for (int tile = 0; tile < repetitions(2000); ++tile) {
      base->sample({}, base_stream, static_cast<std::uint64_t>(tile) * tile_size, z.view(),
                   nullptr);
      for (std::size_t d = 0; d < 3; ++d) {
        for (std::size_t s = 0; s < tile_size; ++s) {
          ASSERT_TRUE(low <= z.row(d)[s] && z.row(d)[s] <= high);
        }
      }
    }
  };
  check(0.0F, "uniform-box(low=1000, high=1000.001)", 1000.0F, 1000.001F);
  check(0.0, "uniform-box(low=1000, high=1000.001)", 1000.0, 1000.001);
}

}  // namespace
}  // namespace riffle::test
