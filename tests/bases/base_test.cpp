// Every registered base with all its variants, in float and double, on every instruction set.

#include "bases/base.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include "bases/base_checks.h"
#include "core/aligned.h"
#include "riffle/error.h"
#include "support/effort.h"
#include "support/failures.h"
#include "support/random.h"

namespace riffle::test {
namespace {

class BaseTest : public ::testing::TestWithParam<BaseCase> {};

constexpr std::size_t dims[] = {1, 2, 3, 8, 17};
constexpr std::size_t counts[] = {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 49, 63, 127, 128};

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

/// A base with its parameters and room for its cache.
template <class T>
struct Drawn {
  Drawn(const BaseCase& c, std::size_t dim, const std::vector<double>& values,
        InstructionSet set = InstructionSet::best())
      : base(c.make<T>(dim, set)), params(as<T>(values)), cache(base->cache_size()) {}

  void sample(const RandomStream& stream, std::uint64_t first, Tile<T> z) {
    base->sample(params, stream, first, z, cache.data());
  }
  void log_density(Tile<const T> z, T* out) const { base->log_density(params, z, out); }

  std::unique_ptr<Base<T>> base;
  std::vector<T> params;
  AlignedVector<T> cache;
};

TEST_P(BaseTest, DrawsDoNotDependOnWhatIsDrawnBesideThem) {
  in_both_precisions([&]<class T>(T) {
    for (const auto set : InstructionSet::available()) {
      for (const std::size_t dim : dims) {
        const auto params = parameter_sets(GetParam(), dim).back().values;
        Drawn<T> base(GetParam(), dim, params, set);
        TileBuffer<T> full(dim);
        for (const std::uint64_t first : {0u, 128u, 128u * 1000, 0xffffff80u}) {
          base.sample(base_stream, first, full.view());
          for (const std::size_t n : counts) {
            TileBuffer<T> part(dim);
            base.sample(base_stream, first, part.view(n));
            for (std::size_t d = 0; d < dim; ++d) {
              ASSERT_TRUE(std::equal(part.row(d), part.row(d) + n, full.row(d)))
                  << n << " of tile " << first << ", coordinate " << d << " on " << set.name();
            }
          }
        }
        // In another order, from another object.
        TileBuffer<T> again(dim);
        Drawn<T> other(GetParam(), dim, params, set);
        other.sample(base_stream, 256, again.view());
        other.sample(base_stream, 0xffffff80u, again.view());
        for (std::size_t d = 0; d < dim; ++d) {
          ASSERT_TRUE(std::equal(again.row(d), again.row(d) + tile_size, full.row(d)));
        }
      }
    }
  });
}

TEST_P(BaseTest, KeepsWithinItsTiles) {
  in_both_precisions([&]<class T>(T) {
    for (const auto set : InstructionSet::available()) {
      for (const std::size_t dim : dims) {
        const auto in =
            make_input<T>(GetParam(), dim, parameter_sets(GetParam(), dim).back().values, 1, 3);
        const auto base = GetParam().make<T>(dim, set);
        const std::size_t size = base->cache_size();
        AlignedVector<T> cache(size + 64, T(77));
        const auto guarded = [&] {
          TileBuffer<T> tile(dim + 1);
          for (std::size_t d = 0; d <= dim; ++d) std::fill_n(tile.row(d), tile_stride, T(77));
          return tile;
        };
        const auto expect_intact = [&](TileBuffer<T>& tile) {
          for (std::size_t d = 0; d <= dim; ++d) {
            const std::size_t from = d < dim ? tile_size : 0;
            for (std::size_t s = from; s < tile_stride; ++s) ASSERT_EQ(tile.row(d)[s], T(77));
          }
        };
        for (const std::size_t n : {std::size_t{1}, std::size_t{17}, std::size_t{113}, tile_size}) {
          auto z = guarded();
          auto g = guarded();
          AlignedVector<T> log_density(tile_size + 16, T(77));
          std::vector<T> grad(in.params.size() + 8, T(77));
          const std::span<T> own(grad.data(), in.params.size());
          base->sample(in.params, base_stream, 0, {z.row(0), dim, n}, cache.data());
          base->sample_vjp(in.params, Tile<const T>(z.row(0), dim, n), cache.data(), in.g.view(n),
                           own);
          base->log_density(in.params, Tile<const T>(z.row(0), dim, n), log_density.data());
          base->log_density_vjp(in.params, Tile<const T>(z.row(0), dim, n), in.weight.data(),
                                {g.row(0), dim, n}, own);
          expect_intact(z);
          expect_intact(g);
          for (std::size_t i = size; i < cache.size(); ++i) ASSERT_EQ(cache[i], T(77));
          for (std::size_t i = own.size(); i < grad.size(); ++i) ASSERT_EQ(grad[i], T(77));
          for (std::size_t i = tile_size; i < log_density.size(); ++i) {
            ASSERT_EQ(log_density[i], T(77));
          }
        }
      }
    }
  });
}

TEST_P(BaseTest, StreamsDiffer) {
  Drawn<double> base(GetParam(), 2, parameter_sets(GetParam(), 2)[0].values);
  std::set<double> firsts;
  const RandomStream streams[] = {{20, Purpose::evaluation, 9},
                                  {21, Purpose::evaluation, 9},
                                  {20, Purpose::draws, 9},
                                  {20, Purpose::evaluation, 10},
                                  {20 + (std::uint64_t{1} << 40), Purpose::evaluation, 9}};
  for (const auto& s : streams) {
    TileBuffer<double> z(2);
    base.sample(s, 0, z.view());
    for (std::size_t k = 0; k < tile_size; ++k) firsts.insert(z.row(0)[k]);
  }
  EXPECT_EQ(firsts.size(), std::size(streams) * tile_size);
}

/// How far two results may lie apart that differ by rounding only.
template <class T>
bool near(T a, T b, double size, double ulps) {
  return a == b ||
         std::abs(double(a) - double(b)) <= ulps * std::numeric_limits<T>::epsilon() * (1 + size);
}

TEST_P(BaseTest, AnyInstructionSetDrawsTheSameToRounding) {
  in_both_precisions([&]<class T>(T) {
    for (const std::size_t dim : {1U, 3U}) {
      for (const auto& [name, values] : parameter_sets(GetParam(), dim)) {
        Drawn<T> scalar(GetParam(), dim, values, InstructionSet::scalar());
        for (const auto set : InstructionSet::available()) {
          Drawn<T> simd(GetParam(), dim, values, set);
          TileBuffer<T> a(dim);
          TileBuffer<T> b(dim);
          std::size_t off = 0;
          const int tiles = repetitions(200);
          for (int tile = 0; tile < tiles; ++tile) {
            const auto first = static_cast<std::uint64_t>(tile) * tile_size;
            scalar.sample(base_stream, first, a.view());
            simd.sample(base_stream, first, b.view());
            for (std::size_t d = 0; d < dim; ++d) {
              for (std::size_t s = 0; s < tile_size; ++s) {
                const T x = a.row(d)[s];
                const T y = b.row(d)[s];
                // A cosine near 0 has a large relative error, but seldom; the radius of a heavy
                // tail multiplies it.
                ASSERT_TRUE(near(x, y, std::abs(double(x)), 1e5)) << x << " " << y;
                off += near(x, y, std::abs(double(x)), 256) ? 0 : 1;
              }
            }
          }
          EXPECT_LE(double(off), 0.01 * tiles * tile_size) << set.name() << ", " << name;
        }
      }
    }
  });
}

/// Densities and gradients of every instruction set are those of the scalar maths. What is left out
/// of a sum for being beyond the count does not matter.
TEST_P(BaseTest, AnyInstructionSetComputesTheSameToRounding) {
  in_both_precisions([&]<class T>(T) {
    for (const std::size_t dim : dims) {
      for (const auto& [name, values] : parameter_sets(GetParam(), dim)) {
        for (const std::size_t n : {std::size_t{1}, std::size_t{17}, tile_size}) {
          const auto in = make_input<T>(GetParam(), dim, values, n, 11);
          const auto scalar = run(*GetParam().make<T>(dim, InstructionSet::scalar()), in);
          // How large the terms of the sums are.
          double largest = 1;
          for (std::size_t s = 0; s < n; ++s) {
            for (std::size_t d = 0; d < dim; ++d) {
              largest = std::max(largest, std::abs(double(scalar.score.view()(d, s))));
            }
          }
          double steepest = largest;
          for (const T g : scalar.density_grad) steepest = std::max(steepest, std::abs(double(g)));
          double steepest_draw = 1;
          for (const T g : scalar.sample_grad) {
            steepest_draw = std::max(steepest_draw, std::abs(double(g)));
          }
          for (const auto set : InstructionSet::available()) {
            SCOPED_TRACE(
                fmt::format("{} in dimension {}, {}, {} samples", set.name(), dim, name, n));
            const auto simd = run(*GetParam().make<T>(dim, set), in);
            for (std::size_t s = 0; s < n; ++s) {
              ASSERT_TRUE(near(scalar.log_density[s], simd.log_density[s],
                               std::abs(double(scalar.log_density[s])), 64 * double(dim)))
                  << scalar.log_density[s] << " " << simd.log_density[s];
              for (std::size_t d = 0; d < dim; ++d) {
                ASSERT_TRUE(near(scalar.score.view()(d, s), simd.score.view()(d, s), largest,
                                 64 * double(dim)))
                    << scalar.score.view()(d, s) << " " << simd.score.view()(d, s);
              }
            }
            for (std::size_t i = 0; i < in.params.size(); ++i) {
              ASSERT_TRUE(
                  near(scalar.density_grad[i], simd.density_grad[i], steepest, 64 * double(n)))
                  << i << ": " << scalar.density_grad[i] << " " << simd.density_grad[i];
              ASSERT_TRUE(
                  near(scalar.sample_grad[i], simd.sample_grad[i], steepest_draw, 64 * double(n)))
                  << i << ": " << scalar.sample_grad[i] << " " << simd.sample_grad[i];
            }
          }
        }
      }
    }
  });
}

TEST_P(BaseTest, SamplesDoNotDependOnTheirNumber) {
  in_both_precisions([&]<class T>(T) {
    for (const auto set : InstructionSet::available()) {
      for (const std::size_t dim : dims) {
        const auto base = GetParam().make<T>(dim, set);
        auto in = make_input<T>(GetParam(), dim, parameter_sets(GetParam(), dim).back().values,
                                tile_size, 4);
        const auto full = run(*base, in);
        for (const std::size_t n : counts) {
          auto fewer = in;
          fewer.count = n;
          std::fill(fewer.weight.begin() + std::ptrdiff_t(n), fewer.weight.end(), T(0));
          for (std::size_t d = 0; d < dim; ++d) {
            std::fill(fewer.g.row(d) + n, fewer.g.row(d) + tile_size, T(0));
          }
          const auto part = run(*base, fewer);
          for (std::size_t s = 0; s < n; ++s) {
            ASSERT_EQ(part.log_density[s], full.log_density[s]) << n << " on " << set.name();
            for (std::size_t d = 0; d < dim; ++d) {
              ASSERT_EQ(part.score.view()(d, s), full.score.view()(d, s));
              ASSERT_EQ(part.draws.view()(d, s), full.draws.view()(d, s));
            }
          }
          // The rest of the tile with weights of 0 adds nothing.
          fewer.count = tile_size;
          const auto weightless = run(*base, fewer);
          for (std::size_t i = 0; i < in.params.size(); ++i) {
            EXPECT_EQ(part.density_grad[i], weightless.density_grad[i]);
            EXPECT_EQ(part.sample_grad[i], weightless.sample_grad[i]);
          }
        }
      }
    }
  });
}

TEST_P(BaseTest, GradientsAreAdded) {
  in_both_precisions([&]<class T>(T) {
    for (const std::size_t dim : {1U, 3U}) {
      const auto base = GetParam().make<T>(dim);
      const auto in =
          make_input<T>(GetParam(), dim, parameter_sets(GetParam(), dim).back().values, 100, 6);
      const auto once = run(*base, in);
      const double eps = std::numeric_limits<T>::epsilon();
      TileBuffer<T> score(dim);
      for (std::size_t d = 0; d < dim; ++d) std::fill_n(score.row(d), tile_size, T(3));
      TileBuffer<T> alone = score;
      std::vector<T> density_grad(in.params.size(), T(5));
      std::vector<T> sample_grad(in.params.size(), T(7));
      AlignedVector<T> cache(base->cache_size());
      TileBuffer<T> z(dim);
      base->sample(in.params, base_stream, in.first, z.view(in.count), cache.data());
      base->sample_vjp(in.params, std::as_const(z).view(in.count), cache.data(),
                       in.g.view(in.count), sample_grad);
      base->log_density_vjp(in.params, in.z.view(in.count), in.weight.data(), score.view(in.count),
                            density_grad);
      base->log_density_vjp(in.params, in.z.view(in.count), in.weight.data(), alone.view(in.count),
                            {});
      for (std::size_t i = 0; i < in.params.size(); ++i) {
        EXPECT_NEAR(density_grad[i], once.density_grad[i] + T(5),
                    8 * eps * (5 + std::abs(double(once.density_grad[i]))));
        EXPECT_NEAR(sample_grad[i], once.sample_grad[i] + T(7),
                    8 * eps * (7 + std::abs(double(once.sample_grad[i]))));
      }
      for (std::size_t d = 0; d < dim; ++d) {
        for (std::size_t s = 0; s < in.count; ++s) {
          // What is added comes in several parts.
          EXPECT_NEAR(score.row(d)[s], once.score.view()(d, s) + T(3),
                      32 * eps * (3 + std::abs(double(once.score.view()(d, s)))));
          EXPECT_EQ(score.row(d)[s], alone.row(d)[s]) << "without a parameters' gradient";
        }
      }
    }
  });
}

TEST_P(BaseTest, DensityHasTheGradientOfDualNumbers) {
  for (const auto set : InstructionSet::available()) {
    for (const std::size_t dim : dims) {
      for (const auto& [name, values] : parameter_sets(GetParam(), dim)) {
        for (const std::size_t n : {std::size_t{1}, std::size_t{31}, tile_size}) {
          const auto in = make_input<double>(GetParam(), dim, values, n, 21);
          const auto out = run(*GetParam().make<double>(dim, set), in);
          EXPECT_TRUE(none(check_density_gradient(GetParam(), in, out)))
              << set.name() << ", " << name << ", dimension " << dim << ", " << n << " samples";
        }
      }
    }
  }
}

TEST_P(BaseTest, DrawsHaveTheGradientOfDualNumbers) {
  if (GetParam().entry->implicit) {
    GTEST_SKIP() << "draws jump with the parameters: their transport is checked instead";
  }
  for (const auto set : InstructionSet::available()) {
    for (const std::size_t dim : dims) {
      for (const auto& [name, values] : parameter_sets(GetParam(), dim)) {
        for (const std::size_t n : {std::size_t{1}, std::size_t{31}, tile_size}) {
          const auto in = make_input<double>(GetParam(), dim, values, n, 22);
          const auto out = run(*GetParam().make<double>(dim, set), in);
          EXPECT_TRUE(none(check_sample_gradient(GetParam(), in, out)))
              << set.name() << ", " << name << ", dimension " << dim << ", " << n << " samples";
        }
      }
    }
  }
}

TEST_P(BaseTest, ImplicitDrawsCarryTheDensityAlong) {
  if (!GetParam().entry->implicit) {
    GTEST_SKIP() << "draws are functions of the parameters: dual numbers check them";
  }
  for (const std::size_t dim : {1U, 2U, 3U}) {
    for (const auto& [name, values] : parameter_sets(GetParam(), dim)) {
      EXPECT_TRUE(none(check_transport(GetParam(), dim, values, 23)))
          << name << ", dimension " << dim;
    }
  }
}

TEST_P(BaseTest, BrokenGradientsFail) {
  for (const std::size_t dim : {1U, 3U}) {
    for (const auto& [name, values] : parameter_sets(GetParam(), dim)) {
      if (values.empty()) continue;
      const auto in = make_input<double>(GetParam(), dim, values, 31, 21);
      const auto out = run(*GetParam().make<double>(dim), in);
      for (const auto mutation : mutations) {
        SCOPED_TRACE(fmt::format("{}, {}, dimension {}", name_of(mutation), name, dim));
        auto broken = out;
        mutate<double>(mutation, broken.density_grad);
        EXPECT_FALSE(check_density_gradient(GetParam(), in, broken).empty());
        if (GetParam().entry->implicit) {
          EXPECT_FALSE(check_transport(GetParam(), dim, values, 23, &mutation).empty());
          continue;
        }
        broken = out;
        mutate<double>(mutation, broken.sample_grad);
        EXPECT_FALSE(check_sample_gradient(GetParam(), in, broken).empty());
      }
      // One view at a time, where they are not all alike.
      const auto layout = GetParam().make<double>(dim)->parameters();
      for (const auto& view : layout.views()) {
        for (const auto mutation : {Mutation::flipped, Mutation::scaled, Mutation::zeroed}) {
          if (view.size() == 0) continue;
          SCOPED_TRACE(
              fmt::format("{} {}, {}, dimension {}", view.name, name_of(mutation), name, dim));
          auto broken = out;
          mutate<double>(mutation, {broken.density_grad.data() + view.offset, view.size()});
          // A mixture of one component does not notice its weight, nor the normal its freedom.
          const auto& part = out.density_grad;
          const auto largest = std::abs(
              *std::max_element(part.begin() + std::ptrdiff_t(view.offset),
                                part.begin() + std::ptrdiff_t(view.offset + view.size()),
                                [](double a, double b) { return std::abs(a) < std::abs(b); }));
          if (largest < 1e-6) continue;
          EXPECT_FALSE(check_density_gradient(GetParam(), in, broken).empty());
        }
      }
    }
  }
  for (const std::size_t dim : {1U, 3U}) {
    const auto values = parameter_sets(GetParam(), dim).back().values;
    if (GetParam().support()) continue;  // the score is 0
    const auto in = make_input<double>(GetParam(), dim, values, 31, 21);
    const auto out = run(*GetParam().make<double>(dim), in);
    for (const auto mutation : mutations) {
      auto broken = out;
      for (std::size_t d = 0; d < dim; ++d) mutate<double>(mutation, {broken.score.row(d), 31});
      EXPECT_FALSE(check_density_gradient(GetParam(), in, broken).empty()) << name_of(mutation);
    }
  }
}

// E[f(z)] of a smooth f has the gradient E[∇f ∂z/∂θ] by the draws and E[f ∂ln q/∂θ] by the
// density: their difference has mean 0.
TEST_P(BaseTest, DrawsAndDensityAgreeOnGradientsOfMeans) {
  for (const std::size_t dim : {1U, 2U, 4U}) {
    for (const auto& [name, values] : parameter_sets(GetParam(), dim)) {
      if (values.empty()) continue;
      Drawn<double> base(GetParam(), dim, values);
      const std::size_t n = values.size();
      std::vector<double> sum(n, 0.0);
      std::vector<double> squares(n, 0.0);
      TileBuffer<double> z(dim);
      AlignedVector<double> f(tile_size);
      // As many in every build: the rare draws far out make means of fewer anything but normal.
      constexpr int tiles = 1500;
      for (int tile = 0; tile < tiles; ++tile) {
        base.sample(base_stream, static_cast<std::uint64_t>(tile) * tile_size, z.view());
        // f = sin(Σ c_d tanh(z_d/4) + 1/2)
        TileBuffer<double> slope(dim);
        TileBuffer<double> unused(dim);
        for (std::size_t s = 0; s < tile_size; ++s) {
          double phase = 0.5;
          for (std::size_t d = 0; d < dim; ++d) {
            phase += (1.5 - double(d) / 2) * std::tanh(z.row(d)[s] / 4);
          }
          f[s] = -std::sin(phase);
          for (std::size_t d = 0; d < dim; ++d) {
            const double t = std::tanh(z.row(d)[s] / 4);
            slope.row(d)[s] = std::cos(phase) * (1.5 - double(d) / 2) * (1 - t * t) / 4;
          }
        }
        std::vector<double> off(n, 0.0);
        base.base->sample_vjp(base.params, std::as_const(z).view(), base.cache.data(),
                              std::as_const(slope).view(), off);
        base.base->log_density_vjp(base.params, std::as_const(z).view(), f.data(), unused.view(),
                                   off);
        for (std::size_t i = 0; i < n; ++i) {
          sum[i] += off[i] / tiles;
          squares[i] += off[i] * off[i] / tiles;
        }
      }
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_LE(std::abs(sum[i]), 4.5 * std::sqrt(squares[i] / tiles) + 1e-12)
            << name << ", parameter " << i << ", dimension " << dim;
      }
    }
  }
}

/// The real line as the image of [-1, 1], z = centre + width sinh(reach x), so that heavy tails and
/// narrow peaks are both met. Or the support of the density.
struct Axis {
  double centre;
  double width;
  double reach;  // 0: a bounded support
  double at(double x) const { return centre + width * (reach > 0 ? std::sinh(reach * x) : x); }
  double slope(double x) const { return width * (reach > 0 ? reach * std::cosh(reach * x) : 1); }
  /// A place of moderate size, whatever the tail.
  double place(double z) const {
    const double t = (z - centre) / width;
    return reach > 0 ? std::asinh(t) : t;
  }
  double inverse(double z) const { return reach > 0 ? place(z) / reach : place(z); }
};

/// Made from the quartiles of coordinate d of some draws.
template <class T>
Axis axis(const BaseCase& c, Drawn<T>& base, std::size_t d) {
  if (const auto support = c.support()) {
    return {0.5 * (support->first + support->second), 0.5 * (support->second - support->first), 0};
  }
  TileBuffer<T> z(base.base->dim());
  std::vector<double> x;
  for (std::uint64_t tile = 0; tile < 8; ++tile) {
    base.sample(base_stream, tile * tile_size, z.view());
    x.insert(x.end(), z.row(d), z.row(d) + tile_size);
  }
  std::sort(x.begin(), x.end());
  const double low = x[x.size() / 4];
  const double high = x[3 * x.size() / 4];
  return {0.5 * (low + high), 0.5 * (high - low), c.entry->name == "student-t" ? 40.0 : 7.0};
}

/// log_density is the logarithm of a density: in one dimension its exponential integrates to 1, and
/// it is also what the draws follow (Kolmogorov and Smirnov).
TEST_P(BaseTest, DrawsFollowTheDensity) {
  in_both_precisions([&]<class T>(T) {
    constexpr std::size_t cells = 1 << 17;
    for (const auto& [name, values] : parameter_sets(GetParam(), 1)) {
      SCOPED_TRACE(name);
      Drawn<T> base(GetParam(), 1, values);
      const auto line = axis(GetParam(), base, 0);
      std::vector<double> cumulative(cells + 1, 0.0);
      std::vector<double> density;
      TileBuffer<T> z(1);
      AlignedVector<T> log_density(tile_size);
      for (std::size_t i = 0; i <= cells; i += tile_size) {
        const std::size_t n = std::min(tile_size, cells + 1 - i);
        const auto x = [&](std::size_t s) { return 2 * double(i + s) / double(cells) - 1; };
        for (std::size_t s = 0; s < n; ++s) z.row(0)[s] = static_cast<T>(line.at(x(s)));
        base.log_density(std::as_const(z).view(n), log_density.data());
        for (std::size_t s = 0; s < n; ++s) {
          density.push_back(std::exp(double(log_density[s])) * line.slope(x(s)));
        }
      }
      for (std::size_t i = 1; i <= cells; ++i) {
        cumulative[i] = cumulative[i - 1] + (density[i - 1] + density[i]) / double(cells);
      }
      EXPECT_NEAR(cumulative.back(), 1, (std::is_same_v<T, float> ? 2e-5 : 1e-9));

      const std::size_t draws =
          static_cast<std::size_t>(repetitions(500'000)) / tile_size * tile_size;
      for (const auto set : {InstructionSet::scalar(), InstructionSet::best()}) {
        Drawn<T> drawn(GetParam(), 1, values, set);
        std::vector<double> x;
        x.reserve(draws);
        for (std::size_t first = 0; first < draws; first += tile_size) {
          drawn.sample(base_stream, first, z.view());
          for (std::size_t s = 0; s < tile_size; ++s) x.push_back(double(z.row(0)[s]));
        }
        std::sort(x.begin(), x.end());
        double distance = 0;
        for (std::size_t i = 0; i < draws; ++i) {
          const double at = std::clamp(0.5 * (line.inverse(x[i]) + 1), 0.0, 1.0) * double(cells);
          const auto cell = std::min(static_cast<std::size_t>(at), cells - 1);
          const double cdf =
              cumulative[cell] + (at - double(cell)) * (cumulative[cell + 1] - cumulative[cell]);
          distance = std::max({distance, std::abs(cdf - double(i) / double(draws)),
                               std::abs(cdf - double(i + 1) / double(draws))});
        }
        // One true stream in a thousand is further off.
        EXPECT_LT(distance * std::sqrt(double(draws)), 1.95) << set.name();
      }
    }
  });
}

/// In two dimensions: the density's integral, and the means of cos(aᵀu) and sin(aᵀu) for several a,
/// by quadrature and by draws; u are the places on the axes.
TEST_P(BaseTest, DrawsFollowTheDensityInThePlane) {
  constexpr std::size_t cells = 640;
  constexpr double waves[][2] = {{1, 0}, {0, 1}, {0.8, 0.8}, {0.8, -0.8}, {2, 0.5}};
  for (const auto& [name, values] : parameter_sets(GetParam(), 2)) {
    SCOPED_TRACE(name);
    Drawn<double> base(GetParam(), 2, values);
    const Axis axes[] = {axis(GetParam(), base, 0), axis(GetParam(), base, 1)};
    constexpr std::size_t functions = 2 * std::size(waves);
    const auto f = [&](std::size_t k, double x, double y) {
      const double phase = waves[k / 2][0] * x + waves[k / 2][1] * y;
      return k % 2 == 0 ? std::cos(phase) : std::sin(phase);
    };
    double mass = 0;
    double expected[functions] = {};
    TileBuffer<double> z(2);
    AlignedVector<double> log_density(tile_size);
    for (std::size_t row = 0; row < cells; ++row) {
      const double y = (2 * double(row) + 1) / double(cells) - 1;
      for (std::size_t first = 0; first < cells; first += tile_size) {
        const std::size_t n = std::min(tile_size, cells - first);
        const auto x = [&](std::size_t s) {
          return (2 * double(first + s) + 1) / double(cells) - 1;
        };
        for (std::size_t s = 0; s < n; ++s) {
          z.row(0)[s] = axes[0].at(x(s));
          z.row(1)[s] = axes[1].at(y);
        }
        base.log_density(std::as_const(z).view(n), log_density.data());
        for (std::size_t s = 0; s < n; ++s) {
          const double weight = std::exp(log_density[s]) * axes[0].slope(x(s)) * axes[1].slope(y) *
                                4 / double(cells * cells);
          mass += weight;
          for (std::size_t k = 0; k < functions; ++k)
            expected[k] += weight * f(k, axes[0].place(z.row(0)[s]), axes[1].place(z.row(1)[s]));
        }
      }
    }
    EXPECT_NEAR(mass, 1, 1e-6);
    double mean[functions] = {};
    double squares[functions] = {};
    const int tiles = repetitions(1500);
    for (int tile = 0; tile < tiles; ++tile) {
      base.sample(base_stream, static_cast<std::uint64_t>(tile) * tile_size, z.view());
      for (std::size_t s = 0; s < tile_size; ++s) {
        for (std::size_t k = 0; k < functions; ++k) {
          const double v = f(k, axes[0].place(z.row(0)[s]), axes[1].place(z.row(1)[s]));
          mean[k] += v;
          squares[k] += v * v;
        }
      }
    }
    const double n = double(tiles) * double(tile_size);
    for (std::size_t k = 0; k < functions; ++k) {
      const double variance = squares[k] / n - mean[k] * mean[k] / n / n;
      EXPECT_NEAR(mean[k] / n, expected[k], 4.5 * std::sqrt(variance / n) + 1e-6) << k;
    }
  }
}

/// Samples some places apart, and any coordinates that the density says are independent, are
/// uncorrelated: so are bounded functions of them. Draws of the standard normal have more exacting
/// tests below.
TEST_P(BaseTest, SamplesAreIndependent) {
  in_both_precisions([&]<class T>(T) {
    constexpr std::size_t dim = 3;
    constexpr std::size_t lags[] = {1, 2, 4, 8, 15, 16, 17, 32, 64};
    Drawn<T> base(GetParam(), dim, parameter_sets(GetParam(), dim)[0].values);
    const Axis axes[] = {axis(GetParam(), base, 0), axis(GetParam(), base, 1),
                         axis(GetParam(), base, 2)};
    const bool coordinates = !GetParam().entry->implicit || GetParam().variant == "components=1";
    constexpr std::size_t functions = 3;
    const auto f = [&](std::size_t k, double x) {
      return k == 0 ? std::tanh(x) : k == 1 ? std::exp(-x * x) : std::cos(2.5 * x);
    };
    const int tiles = repetitions(1500);
    double mean[functions][dim] = {};
    double lagged[std::size(lags)][functions][dim] = {};
    double across[functions][functions][dim][dim] = {};
    double number[std::size(lags)] = {};
    TileBuffer<T> z(dim);
    std::vector<double> v(functions * dim * tile_size);
    const auto at = [](std::size_t k, std::size_t d, std::size_t s) {
      return (k * dim + d) * tile_size + s;
    };
    double square[functions][dim] = {};
    // Means first, to centre the products.
    for (const bool centred : {false, true}) {
      for (int tile = 0; tile < tiles; ++tile) {
        base.sample(base_stream, static_cast<std::uint64_t>(tile) * tile_size, z.view());
        for (std::size_t k = 0; k < functions; ++k) {
          for (std::size_t d = 0; d < dim; ++d) {
            for (std::size_t s = 0; s < tile_size; ++s) {
              const double value = f(k, axes[d].place(double(z.row(d)[s])));
              if (!centred) mean[k][d] += value / (double(tiles) * double(tile_size));
              v[at(k, d, s)] = value - mean[k][d];
              if (centred) square[k][d] += v[at(k, d, s)] * v[at(k, d, s)];
            }
          }
        }
        if (!centred) continue;
        for (std::size_t l = 0; l < std::size(lags); ++l) {
          number[l] += double(tile_size - lags[l]);
          for (std::size_t k = 0; k < functions; ++k) {
            for (std::size_t d = 0; d < dim; ++d) {
              for (std::size_t s = 0; s + lags[l] < tile_size; ++s) {
                lagged[l][k][d] += v[at(k, d, s)] * v[at(k, d, s + lags[l])];
              }
            }
          }
        }
        for (std::size_t k = 0; k < functions; ++k) {
          for (std::size_t m = 0; m < functions; ++m) {
            for (std::size_t d = 0; d < dim; ++d) {
              for (std::size_t e = 0; e < dim; ++e) {
                if (d == e) continue;
                for (std::size_t s = 0; s < tile_size; ++s) {
                  across[k][m][d][e] += v[at(k, d, s)] * v[at(m, e, s)];
                }
              }
            }
          }
        }
      }
    }
    const double n = double(tiles) * double(tile_size);
    for (std::size_t k = 0; k < functions; ++k) {
      for (std::size_t d = 0; d < dim; ++d) {
        for (std::size_t l = 0; l < std::size(lags); ++l) {
          EXPECT_LT(std::abs(lagged[l][k][d]) / number[l],
                    4.5 * square[k][d] / n / std::sqrt(number[l]))
              << "function " << k << " of coordinate " << d << ", " << lags[l] << " apart";
        }
        for (std::size_t m = 0; m < functions && coordinates; ++m) {
          for (std::size_t e = 0; e < dim; ++e) {
            EXPECT_LE(std::abs(across[k][m][d][e]) / n,
                      4.5 * std::sqrt(square[k][d] * square[m][e]) / n / std::sqrt(n))
                << "functions " << k << ", " << m << " of coordinates " << d << ", " << e;
          }
        }
      }
    }
  });
}

TEST_P(BaseTest, InitialValuesAreDrawnFromTheStreamAlone) {
  in_both_precisions([&]<class T>(T) {
    const auto base = GetParam().make<T>(3);
    const auto other = GetParam().make<T>(3, InstructionSet::scalar());
    const std::size_t n = base->parameters().size();
    std::vector<T> a(n, T(1));
    std::vector<T> b(n, T(2));
    base->initialise({1, Purpose::initial_values, 0}, a);
    other->initialise({1, Purpose::initial_values, 0}, b);
    EXPECT_EQ(a, b);
    for (const T v : a) EXPECT_TRUE(std::isfinite(v));
    // Those that are drawn at all differ for another seed and for another step.
    if (!GetParam().entry->implicit) return;
    base->initialise({2, Purpose::initial_values, 0}, b);
    EXPECT_NE(a, b);
    base->initialise({1, Purpose::initial_values, 1}, b);
    EXPECT_NE(a, b);
  });
}

INSTANTIATE_TEST_SUITE_P(Bases, BaseTest, ::testing::ValuesIn(base_cases()),
                         [](const auto& test) { return test.param.name(); });

TEST(BaseRegistry, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const auto& entry : base_registry()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
  }
}

TEST(BaseRegistry, RefusesWhatItCannotMake) {
  for (const auto& [text, why] : {std::pair{"standard-normall", "\"standard-normal\""},
                                  {"standard-normal(sd=2)", "takes no arguments"},
                                  {"diagonal-normal(sd=0)", "above 0"},
                                  {"diagonal-normal(sd=-1)", "above 0"},
                                  {"full-normal(learn=maybe)", "yes or no"},
                                  {"full-normal(mean=inf)", "a number"},
                                  {"mixture(components=0)", "from 1"},
                                  {"mixture(component=2)", "\"components\""},
                                  {"student-t(nu=0.5)", "above 0.5"},
                                  {"student-t(scale=nan)", "a number"},
                                  {"uniform-box(low=1, high=1)", "above 1"},
                                  {"mixture:2", "one base"},
                                  {"mixture + mixture", "one base"}}) {
    try {
      make_base<double>(text, 2, InstructionSet::best());
      ADD_FAILURE() << text << " was made";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(e.what()).find(why), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace riffle::test
