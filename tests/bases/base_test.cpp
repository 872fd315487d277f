// Every registered base, in float and double, on every instruction set.

#include "bases/base.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "core/aligned.h"
#include "riffle/error.h"
#include "support/failures.h"

namespace riffle::test {
namespace {

struct Case {
  const BaseEntry* entry;
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.entry->name; }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& entry : base_registry()) all.push_back({&entry});
  return all;
}

/// A base without parameters.
template <class T>
struct Fixed {
  std::unique_ptr<Base<T>> base;
  const Fixed* operator->() const { return this; }
  std::size_t dim() const { return base->dim(); }
  void sample(const RandomStream& s, std::uint64_t first, Tile<T> z) const {
    base->sample({}, s, first, z, nullptr);
  }
  void log_density(Tile<const T> z, T* out) const { base->log_density({}, z, out); }
};

class BaseTest : public ::testing::TestWithParam<Case> {
 protected:
  template <class T>
  Fixed<T> make(std::size_t dim, InstructionSet set = InstructionSet::best()) const {
    return {make_base<T>(GetParam().entry->name, dim, set)};
  }
};

constexpr RandomStream stream{20, Purpose::evaluation, 9};
constexpr std::size_t dims[] = {1, 2, 3, 8, 17};

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

TEST_P(BaseTest, DrawsDoNotDependOnWhatIsDrawnBesideThem) {
  in_both_precisions([&]<class T>(T) {
    for (const auto set : InstructionSet::available()) {
      for (const std::size_t dim : dims) {
        const auto base = make<T>(dim, set);
        TileBuffer<T> full(dim);
        for (const std::uint64_t first : {0u, 128u, 128u * 1000, 0xffffff80u}) {
          base->sample(stream, first, full.view());
          for (const std::size_t n : {1, 3, 4, 5, 15, 16, 17, 31, 32, 33, 48, 49, 63, 127}) {
            TileBuffer<T> part(dim);
            base->sample(stream, first, part.view(n));
            for (std::size_t d = 0; d < dim; ++d) {
              ASSERT_TRUE(std::equal(part.row(d), part.row(d) + n, full.row(d)))
                  << n << " of tile " << first << ", coordinate " << d << " on " << set.name();
            }
          }
        }
        // In another order, from another object, with more dimensions beside.
        TileBuffer<T> again(dim);
        const auto other = make<T>(dim, set);
        other->sample(stream, 256, again.view());
        other->sample(stream, 0xffffff80u, again.view());
        for (std::size_t d = 0; d < dim; ++d) {
          ASSERT_TRUE(std::equal(again.row(d), again.row(d) + tile_size, full.row(d)));
        }
      }
    }
  });
}

TEST_P(BaseTest, KeepsWithinItsTile) {
  in_both_precisions([&]<class T>(T) {
    for (const auto set : InstructionSet::available()) {
      for (const std::size_t dim : dims) {
        const auto base = make<T>(dim, set);
        for (const std::size_t n : {std::size_t{1}, std::size_t{17}, std::size_t{113}, tile_size}) {
          TileBuffer<T> z(dim + 1);
          for (std::size_t d = 0; d <= dim; ++d) std::fill_n(z.row(d), tile_stride, T(77));
          base->sample(stream, 0, {z.row(0), dim, n});
          for (std::size_t d = 0; d <= dim; ++d) {
            const std::size_t from = d < dim ? tile_size : 0;
            for (std::size_t s = from; s < tile_stride; ++s) ASSERT_EQ(z.row(d)[s], T(77));
          }
        }
      }
    }
  });
}

TEST_P(BaseTest, AnyInstructionSetDrawsTheSameToRounding) {
  in_both_precisions([&]<class T>(T) {
    const double eps = std::numeric_limits<T>::epsilon();
    for (const auto set : InstructionSet::available()) {
      for (const std::size_t dim : {1, 3}) {
        const auto scalar = make<T>(dim, InstructionSet::scalar());
        const auto simd = make<T>(dim, set);
        TileBuffer<T> a(dim);
        TileBuffer<T> b(dim);
        for (std::uint64_t tile = 0; tile < 200; ++tile) {
          scalar->sample(stream, tile * tile_size, a.view());
          simd->sample(stream, tile * tile_size, b.view());
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

TEST_P(BaseTest, StreamsDiffer) {
  const auto base = make<double>(2);
  std::set<double> firsts;
  const RandomStream streams[] = {{20, Purpose::evaluation, 9},
                                  {21, Purpose::evaluation, 9},
                                  {20, Purpose::draws, 9},
                                  {20, Purpose::evaluation, 10},
                                  {20 + (std::uint64_t{1} << 40), Purpose::evaluation, 9}};
  for (const auto& s : streams) {
    TileBuffer<double> z(2);
    base->sample(s, 0, z.view());
    for (std::size_t k = 0; k < tile_size; ++k) firsts.insert(z.row(0)[k]);
  }
  EXPECT_EQ(firsts.size(), std::size(streams) * tile_size);
}

/// log_density is the logarithm of a density: in one dimension its exponential integrates to 1, and
/// it is also what the draws follow (Kolmogorov and Smirnov).
TEST_P(BaseTest, DrawsFollowTheDensity) {
  in_both_precisions([&]<class T>(T) {
    constexpr double reach = 10;
    constexpr std::size_t cells = 16'000;
    const auto base = make<T>(1);
    std::vector<double> cumulative(cells + 1, 0.0);
    std::vector<double> density;
    TileBuffer<T> z(1);
    AlignedVector<T> log_density(tile_size);
    for (std::size_t i = 0; i <= cells; i += tile_size) {
      const std::size_t n = std::min(tile_size, cells + 1 - i);
      for (std::size_t s = 0; s < n; ++s) {
        z.row(0)[s] = static_cast<T>(-reach + 2 * reach * double(i + s) / double(cells));
      }
      base->log_density(z.view(n), log_density.data());
      for (std::size_t s = 0; s < n; ++s) density.push_back(std::exp(double(log_density[s])));
    }
    for (std::size_t i = 1; i <= cells; ++i) {
      cumulative[i] = cumulative[i - 1] + reach / double(cells) * (density[i - 1] + density[i]);
    }
    EXPECT_NEAR(cumulative.back(), 1, (std::is_same_v<T, float> ? 1e-5 : 1e-9));

    constexpr std::size_t draws = 1'000'000 / tile_size * tile_size;
    for (const auto set : {InstructionSet::scalar(), InstructionSet::best()}) {
      const auto drawn = make<T>(1, set);
      std::vector<double> x;
      x.reserve(draws);
      for (std::size_t first = 0; first < draws; first += tile_size) {
        drawn->sample(stream, first, z.view());
        for (std::size_t s = 0; s < tile_size; ++s) x.push_back(double(z.row(0)[s]));
      }
      std::sort(x.begin(), x.end());
      double distance = 0;
      for (std::size_t i = 0; i < draws; ++i) {
        const double at = std::clamp((x[i] + reach) / (2 * reach), 0.0, 1.0) * double(cells);
        const auto cell = std::min(static_cast<std::size_t>(at), cells - 1);
        const double cdf =
            cumulative[cell] + (at - double(cell)) * (cumulative[cell + 1] - cumulative[cell]);
        distance = std::max({distance, std::abs(cdf - double(i) / double(draws)),
                             std::abs(cdf - double(i + 1) / double(draws))});
      }
      // One true stream in a thousand is further off.
      EXPECT_LT(distance * std::sqrt(double(draws)), 1.95) << set.name();
    }
  });
}

/// Sums over a million draws of products of coordinates, and of samples some places apart.
TEST_P(BaseTest, CoordinatesAndSamplesAreUncorrelated) {
  in_both_precisions([&]<class T>(T) {
    constexpr std::size_t dim = 4;
    constexpr std::size_t tiles = 1'000'000 / tile_size;
    constexpr double n = double(tiles * tile_size);
    const auto base = make<T>(dim);
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
      base->sample(stream, tile * tile_size, z.view());
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

TEST_P(BaseTest, LogDensityOfAnyNumberOfSamplesOnAnyInstructionSet) {
  in_both_precisions([&]<class T>(T) {
    const double eps = std::numeric_limits<T>::epsilon();
    for (const std::size_t dim : dims) {
      TileBuffer<T> z(dim);
      make<T>(dim)->sample(stream, 0, z.view());
      z.row(0)[3] = T(50);
      AlignedVector<T> reference(tile_size);
      make<T>(dim, InstructionSet::scalar())->log_density(z.view(), reference.data());
      for (const auto set : InstructionSet::available()) {
        const auto base = make<T>(dim, set);
        for (const std::size_t n : {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 127, 128}) {
          AlignedVector<T> log_density(tile_size, T(0));
          base->log_density(z.view(n), log_density.data());
          for (std::size_t s = 0; s < n; ++s) {
            EXPECT_NEAR(log_density[s], reference[s],
                        4 * double(dim) * eps * (1 + std::abs(double(reference[s]))));
          }
        }
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Bases, BaseTest, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return test_name(test.param.entry->name); });

TEST(StandardNormal, LogDensityIsTheFormula) {
  in_both_precisions([]<class T>(T) {
    const double eps = std::numeric_limits<T>::epsilon();
    for (const std::size_t dim : dims) {
      const auto base = Fixed<T>{make_base<T>("standard-normal", dim, InstructionSet::best())};
      EXPECT_EQ(base->dim(), dim);
      TileBuffer<T> z(dim);
      base->sample(stream, 0, z.view());
      AlignedVector<T> log_density(tile_size);
      base->log_density(z.view(), log_density.data());
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
  const auto base = Fixed<double>{make_base<double>("standard-normal", 2, InstructionSet::best())};
  TileBuffer<double> z(2);
  AlignedVector<double> log_density(tile_size);
  double sum = 0;
  constexpr std::size_t tiles = 4000;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    base->sample(stream, tile * tile_size, z.view());
    base->log_density(z.view(), log_density.data());
    for (const double v : log_density) sum += v;
  }
  constexpr double n = double(tiles * tile_size);
  // -½ ‖z‖² has standard deviation 1.
  EXPECT_NEAR(sum / n, -2.837877066409, 4.5 / std::sqrt(n));
}

TEST(BaseRegistry, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const auto& entry : base_registry()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
  }
  try {
    make_base<double>("standard-normall", 2, InstructionSet::best());
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(e.what()).find("\"standard-normal\""), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace riffle::test
