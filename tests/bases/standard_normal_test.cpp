// What is known of the standard normal beyond what holds for every base.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <utility>

#include "bases/base.h"
#include "core/aligned.h"

namespace riffle::test {
namespace {

constexpr RandomStream stream{20, Purpose::evaluation, 9};
constexpr std::size_t dims[] = {1, 2, 3, 8, 17};

template <class T>
std::unique_ptr<Base<T>> standard_normal(std::size_t dim,
                                         InstructionSet set = InstructionSet::best()) {
  return make_base<T>("standard-normal", dim, set);
}

template <class T>
void sample(const Base<T>& base, std::uint64_t first, Tile<T> z) {
  base.sample({}, stream, first, z, nullptr);
}

/// Runs the generic lambda for float and for double.
template <class F>
void in_both_precisions(F&& f) {
  {
    SCOPED_TRACE("float");
    f(float());
  }
  {
    SCOPED_TRACE("double");
    f(double());
  }
}

TEST(StandardNormal, AnyInstructionSetDrawsTheSameToRounding) {
  in_both_precisions([&]<class T>(T) {
    const double eps = std::numeric_limits<T>::epsilon();
    for (const auto set : InstructionSet::available()) {
      for (const std::size_t dim : {1, 3}) {
        const auto scalar = standard_normal<T>(dim, InstructionSet::scalar());
        const auto simd = standard_normal<T>(dim, set);
        TileBuffer<T> a(dim);
        TileBuffer<T> b(dim);
        for (std::uint64_t tile = 0; tile < 200; ++tile) {
          sample(*scalar, tile * tile_size, a.view());
          sample(*simd, tile * tile_size, b.view());
          for (std::size_t d = 0; d < dim; ++d) {
            for (std::size_t s = 0; s < tile_size; ++s) {
              // r cos φ with r <= 9 and an angle, and so a cosine, within some ε of π.
              ASSERT_NEAR(a.row(d)[s], b.row(d)[s], 9 * 4 * eps) << set.name();
            }
          }
        }
      }
    }
  });
}

/// Sums over a million draws of products of coordinates, and of samples some places apart.
TEST(StandardNormal, CoordinatesAndSamplesAreUncorrelated) {
  in_both_precisions([&]<class T>(T) {
    constexpr std::size_t dim = 4;
    constexpr std::size_t tiles = 1'000'000 / tile_size;
    constexpr double n = double(tiles * tile_size);
    const auto base = standard_normal<T>(dim);
    TileBuffer<T> z(dim);
    double mean[dim] = {};
    double product[dim][dim] = {};
    double square_product[dim][dim] = {};
    constexpr std::size_t lags[] = {1, 2, 4, 8, 15, 16, 17, 32, 64};
    double lagged[std::size(lags)] = {};
    double lagged_squares[std::size(lags)] = {};
    double cross_pair = 0;
    double pairs[std::size(lags)] = {};
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      sample(*base, tile * tile_size, z.view());
      for (std::size_t s = 0; s < tile_size; ++s) {
        double x[dim];
        for (std::size_t d = 0; d < dim; ++d) x[d] = double(z.row(d)[s]);
        for (std::size_t d = 0; d < dim; ++d) {
          mean[d] += x[d];
          for (std::size_t e = d; e < dim; ++e) {
            product[d][e] += x[d] * x[e];
            square_product[d][e] += (x[d] * x[d] - 1) * (x[e] * x[e] - 1);
          }
        }
        for (std::size_t k = 0; k < std::size(lags); ++k) {
          if (s + lags[k] >= tile_size) continue;
          const double y = double(z.row(0)[s + lags[k]]);
          lagged[k] += x[0] * y;
          lagged_squares[k] += (x[0] * x[0] - 1) * (y * y - 1);
          pairs[k] += 1;
        }
        if (s + 16 < tile_size) cross_pair += x[0] * double(z.row(1)[s + 16]);
      }
    }
    // Four and a half standard errors; x² - 1 has variance 2, and (x² - 1)² variance 56.
    constexpr double far = 4.5;
    for (std::size_t d = 0; d < dim; ++d) {
      EXPECT_NEAR(mean[d] / n, 0, far / std::sqrt(n)) << d;
      EXPECT_NEAR(product[d][d] / n, 1, far * std::sqrt(2 / n)) << d;
      EXPECT_NEAR(square_product[d][d] / n, 2, far * std::sqrt(56 / n)) << d;
      for (std::size_t e = d + 1; e < dim; ++e) {
        EXPECT_NEAR(product[d][e] / n, 0, far / std::sqrt(n)) << d << " " << e;
        EXPECT_NEAR(square_product[d][e] / n, 0, far * 2 / std::sqrt(n)) << d << " " << e;
      }
    }
    for (std::size_t k = 0; k < std::size(lags); ++k) {
      EXPECT_NEAR(lagged[k] / pairs[k], 0, far / std::sqrt(pairs[k])) << lags[k];
      EXPECT_NEAR(lagged_squares[k] / pairs[k], 0, far * 2 / std::sqrt(pairs[k])) << lags[k];
    }
    EXPECT_NEAR(cross_pair / n, 0, far / std::sqrt(n));
  });
}

TEST(StandardNormal, LogDensityIsTheFormula) {
  in_both_precisions([]<class T>(T) {
    const double eps = std::numeric_limits<T>::epsilon();
    for (const std::size_t dim : dims) {
      const auto base = standard_normal<T>(dim);
      EXPECT_EQ(base->dim(), dim);
      TileBuffer<T> z(dim);
      sample(*base, 0, z.view());
      AlignedVector<T> log_density(tile_size);
      base->log_density({}, std::as_const(z).view(), log_density.data());
      for (std::size_t s = 0; s < tile_size; ++s) {
        double squares = 0;
        for (std::size_t d = 0; d < dim; ++d) squares += double(z.row(d)[s]) * double(z.row(d)[s]);
        const double expected = -0.5 * (squares + double(dim) * std::log(2 * std::numbers::pi));
        EXPECT_NEAR(log_density[s], expected, 4 * double(dim) * eps * (1 + std::abs(expected)));
      }
    }
  });
}

// E[ln q0] of N(0, I) in two dimensions is -1 - ln 2π.
TEST(StandardNormal, MeanLogDensityIsMinusItsEntropy) {
  const auto base = standard_normal<double>(2);
  TileBuffer<double> z(2);
  AlignedVector<double> log_density(tile_size);
  double sum = 0;
  constexpr std::size_t tiles = 4000;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    sample(*base, tile * tile_size, z.view());
    base->log_density({}, std::as_const(z).view(), log_density.data());
    for (const double v : log_density) sum += v;
  }
  constexpr double n = double(tiles * tile_size);
  // -½ ‖z‖² has standard deviation 1.
  EXPECT_NEAR(sum / n, -2.837877066409, 4.5 / std::sqrt(n));
}

}  // namespace
}  // namespace riffle::test
