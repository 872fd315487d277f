// An evaluator gives the bits of the flow's own functions, whatever the batches and threads; its
// scores are the derivatives of ln q; and it takes no memory.
#include "riffle/evaluator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "bases/base.h"
#include "flows/interface/flow_registry.h"
#include "model/flow_model.h"
#include "riffle/error.h"
#include "riffle/tile.h"
#include "support/counting_new.h"
#include "support/flow_text.h"
#include "support/random.h"

namespace riffle {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TrainedFlow random_flow(const std::string& layers, std::size_t dim, Precision precision,
                        const std::string& base = "standard-normal", double scale = 0.3) {
  test::Random random(dim);
  const auto model =
      make_model<double>(base, parse_flow(layers), {dim, 0, InstructionSet::scalar()});
  TrainedFlow::Definition d{base, layers, precision, dim, {}};
  d.params.resize(model.parameters().size());
  for (double& p : d.params) p = static_cast<float>(scale * random.normal());
  return TrainedFlow(d);
}

/// Every layer in every variant, and every base.
template <class Check>
void for_each_flow(Precision precision, Check&& check) {
  for (const auto& entry : flow_registry()) {
    const auto dim = std::max<std::size_t>(entry.least_dim, 3);
    std::vector<std::string> texts{test::flow_text(entry)};
    for (const auto variant : entry.variants) {
      texts.push_back(fmt::format("{}({})", entry.name, variant));
    }
    for (const auto& text : texts) {
      SCOPED_TRACE(fmt::format("{}, {}", text, name_of(precision)));
      check(random_flow(text + ":2", dim, precision));
    }
  }
  for (const auto& entry : base_registry()) {
    for (const auto variant : entry.variants) {
      const auto base = fmt::format("{}({})", entry.name, variant);
      SCOPED_TRACE(fmt::format("{}, {}", base, name_of(precision)));
      check(random_flow("affine-full", 3, precision, base));
    }
  }
}

/// Equal to the bit, but that one NaN is as good as another.
template <class T>
void expect_same(std::span<const T> a, std::span<const T> b, const char* what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    ASSERT_TRUE(a[i] == b[i] && std::signbit(a[i]) == std::signbit(b[i]))
        << what << ", " << i << ": " << a[i] << " is not " << b[i];
  }
}

struct Results {
  explicit Results(std::size_t n, std::size_t dim)
      : points(n * dim), log_q(n), score(n * dim), base(n * dim), log_det(n) {}
  std::vector<double> points, log_q, score, base, log_det;
};

TEST(Evaluator, DrawsAreThoseOfTheFlowHoweverTheyAreTaken) {
  for (const auto precision : {Precision::float32, Precision::float64}) {
    for_each_flow(precision, [](const TrainedFlow& flow) {
      constexpr std::size_t n = 1024 + 37;
      const std::size_t dim = flow.dim();
      const auto expected = flow.sample(n, 9);
      for (const std::size_t threads : {1U, 2U}) {
        for (const std::size_t batch : {std::size_t{1}, std::size_t{37}, std::size_t{1024}, n}) {
          Evaluator evaluator(flow, threads);
          Results got(n, dim);
          for (std::size_t first = 0; first < n; first += batch) {
            const auto count = std::min(batch, n - first);
            evaluator.sample(9, first, std::span(got.points).subspan(first * dim, count * dim),
                             std::span(got.log_q).subspan(first, count));
          }
          expect_same<double>(got.points, expected.z, "points");
          expect_same<double>(got.log_q, expected.log_q, "ln q");
        }
      }
      // Back, across tiles, and from another seed in between.
      Evaluator evaluator(flow);
      std::vector<double> points(150 * dim);
      std::vector<double> other(dim);
      evaluator.sample(9, 200, std::span(points).first(dim));
      evaluator.sample(8, 200, other);
      evaluator.sample(9, 100, points);
      expect_same<double>(points, std::span(expected.z).subspan(100 * dim, 150 * dim), "points");
      const auto others = flow.sample(201, 8);
      expect_same<double>(other, std::span(others.z).subspan(200 * dim, dim), "another seed");
    });
  }
}

TEST(Evaluator, DensitiesAndMapsDoNotDependOnBatchOrThreads) {
  for (const auto precision : {Precision::float32, Precision::float64}) {
    for_each_flow(precision, [](const TrainedFlow& flow) {
      Evaluator whole(flow);
      if (!whole.has_density()) return;
      constexpr std::size_t n = 1024 + 37;
      const std::size_t dim = flow.dim();
      const auto drawn = flow.sample(n, 3);
      const std::span<const double> points = drawn.z;
      const auto log_q = flow.log_density(points);
      Results all(n, dim);
      whole.score(points, all.score, all.log_q);
      expect_same<double>(all.log_q, log_q, "ln q");
      whole.to_base(points, all.base, all.log_det);
      for (const std::size_t threads : {1U, 2U}) {
        Evaluator evaluator(flow, threads);
        for (const std::size_t batch : {std::size_t{1}, std::size_t{37}, std::size_t{1024}, n}) {
          Results got(n, dim);
          std::vector<double> alone(n);
          for (std::size_t i = 0; i < n; i += batch) {
            const auto count = std::min(batch, n - i);
            const auto in = points.subspan(i * dim, count * dim);
            const auto rows = [&](std::vector<double>& v) {
              return std::span(v).subspan(i * dim, count * dim);
            };
            const auto numbers = [&](std::vector<double>& v) {
              return std::span(v).subspan(i, count);
            };
            evaluator.log_density(in, numbers(alone));
            evaluator.score(in, rows(got.score), numbers(got.log_q));
            evaluator.to_base(in, rows(got.base), numbers(got.log_det));
          }
          expect_same<double>(alone, log_q, "ln q alone");
          expect_same<double>(got.log_q, log_q, "ln q");
          expect_same<double>(got.score, all.score, "score");
          expect_same<double>(got.base, all.base, "base");
          expect_same<double>(got.log_det, all.log_det, "log-det");
        }
      }
      // There and back.
      const bool is_float = flow.definition().precision == Precision::float32;
      const double tolerance = is_float ? 5e-3 : 1e-8;
      Results back(n, dim);
      whole.to_sample(all.base, back.points, back.log_det);
      for (std::size_t i = 0; i < points.size(); ++i) {
        EXPECT_NEAR(back.points[i], points[i], tolerance * (1 + std::abs(points[i])));
      }
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_NEAR(back.log_det[i], -all.log_det[i], tolerance * (1 + std::abs(log_q[i])));
      }
    });
  }
}

TEST(Evaluator, ScoresAreDifferencesOfLogDensity) {
  for_each_flow(Precision::float64, [](const TrainedFlow& flow) {
    Evaluator evaluator(flow);
    if (!evaluator.has_density()) return;
    constexpr std::size_t n = 21;
    const std::size_t dim = flow.dim();
    std::vector<double> points(n * dim);
    Results got(n, dim);
    evaluator.sample(5, 0, points, got.log_q, got.points);
    evaluator.score(points, got.score);
    std::size_t compared = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t d = 0; d < dim; ++d) {
        const double score = got.score[i * dim + d];
        EXPECT_NEAR(got.points[i * dim + d], score, 1e-7 * (1 + std::abs(score))) << "of a draw";
        // Splines have jumps in their second derivative, so a coarser step has to agree.
        const auto difference = [&](double h) {
          std::vector<double> around;
          for (const double step : {-2 * h, -h, h, 2 * h}) {
            around.insert(around.end(), &points[i * dim], &points[i * dim] + dim);
            around[around.size() - dim + d] += step;
          }
          std::vector<double> f(4);
          evaluator.log_density(around, f);
          return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
        };
        const double fine = difference(1e-4);
        const double coarse = difference(3e-4);
        const double scale = 1 + std::abs(fine);
        if (!(std::abs(fine - coarse) < 1e-7 * scale)) continue;
        ++compared;
        EXPECT_NEAR(score, fine, 1e-6 * scale);
      }
    }
    EXPECT_GT(compared, n * dim / 2);
  });
}

/// With x = f(z): Jᵀ ∇ln q(x) = ∇_z (ln q0(z) - ln|det J|), and the right side by dual numbers,
/// without any inverse.
TEST(Evaluator, ScoresAreThoseOfDualNumbers) {
  for (const auto& entry : flow_registry()) {
    for (const auto variant : entry.variants.empty()
                                  ? std::vector<std::string_view>{""}
                                  : std::vector(entry.variants.begin(), entry.variants.end())) {
      const auto text =
          variant.empty() ? std::string(entry.name) : fmt::format("{}({})", entry.name, variant);
      SCOPED_TRACE(text);
      const auto dim = std::max<std::size_t>(entry.least_dim, 3);
      const auto flow = random_flow(text, dim, Precision::float64);
      Evaluator evaluator(flow);
      if (!evaluator.has_density()) continue;
      const auto expression = parse_flow(text).front();
      const LayerOptions options{
          dim, 0, InstructionSet::scalar(), Arguments(expression, entry.options), expression.inner,
          0};
      const auto layer = entry.make<Dual>(options);
      std::vector<Dual> params(flow.definition().params.begin(), flow.definition().params.end());
      constexpr std::size_t n = 9;
      test::Random random(3);
      std::vector<double> base(n * dim);
      for (double& z : base) z = random.normal();
      Results got(n, dim);
      evaluator.to_sample(base, got.points);
      evaluator.score(got.points, got.score);
      TileBuffer<Dual> z(dim);
      TileBuffer<Dual> y(dim);
      AlignedVector<Dual> cache(layer->cache_size());
      for (std::size_t i = 0; i < dim; ++i) {
        for (std::size_t d = 0; d < dim; ++d) {
          for (std::size_t s = 0; s < tile_size; ++s) {
            z.row(d)[s] = Dual(base[std::min(s, n - 1) * dim + d], d == i ? 1 : 0);
          }
        }
        AlignedVector<Dual> log_det(tile_size, Dual(0));
        layer->forward(params, z.view(n), y.view(n), log_det.data(), cache.data());
        for (std::size_t s = 0; s < n; ++s) {
          const double right = -base[s * dim + i] - log_det[s].tangent;
          double left = 0;
          double size = 1;
          for (std::size_t d = 0; d < dim; ++d) {
            const double term = y.row(d)[s].tangent * got.score[s * dim + d];
            left += term;
            size += std::abs(term);
          }
          EXPECT_NEAR(left, right, 1e-9 * size) << "coordinate " << i << " of " << s;
        }
      }
    }
  }
}

TEST(Evaluator, ANaNDisturbsNoOtherPoint) {
  for (const auto precision : {Precision::float32, Precision::float64}) {
    for_each_flow(precision, [](const TrainedFlow& flow) {
      Evaluator evaluator(flow);
      const std::size_t dim = flow.dim();
      constexpr std::size_t n = tile_size + 3;
      const auto clean = flow.sample(n, 2).z;
      const auto run = [&](const std::vector<double>& points) {
        Results r(n, dim);
        evaluator.to_sample(points, r.points, r.log_det);
        if (evaluator.has_density()) {
          evaluator.score(points, r.score, r.log_q);
          evaluator.to_base(points, r.base);
        }
        return r;
      };
      const auto expected = run(clean);
      auto spoilt = clean;
      const std::vector<std::size_t> bad{0, 5, 60, tile_size - 1, n - 1};
      for (const auto i : bad)
        spoilt[i * dim + i % dim] = i == 60 ? -std::numeric_limits<double>::infinity() : nan;
      const auto got = run(spoilt);
      for (std::size_t i = 0; i < n; ++i) {
        const bool is_bad = std::ranges::find(bad, i) != bad.end();
        if (is_bad) {
          EXPECT_TRUE(std::isnan(got.log_det[i]) && std::isnan(got.points[i * dim])) << i;
          EXPECT_TRUE(!evaluator.has_density() || std::isnan(got.log_q[i])) << i;
          continue;
        }
        EXPECT_EQ(got.log_det[i], expected.log_det[i]) << i;
        EXPECT_EQ(got.log_q[i], expected.log_q[i]) << i;
        for (std::size_t d = 0; d < dim; ++d) {
          EXPECT_EQ(got.points[i * dim + d], expected.points[i * dim + d]);
          EXPECT_EQ(got.score[i * dim + d], expected.score[i * dim + d]);
          EXPECT_EQ(got.base[i * dim + d], expected.base[i * dim + d]);
        }
      }
    });
  }
}

TEST(Evaluator, FloatsAreRoundedDoubles) {
  for (const auto precision : {Precision::float32, Precision::float64}) {
    const auto flow = random_flow("rqs-coupling:2 + affine", 3, precision);
    Evaluator evaluator(flow);
    constexpr std::size_t n = 130;
    std::vector<float> points(3 * n), log_q(n), score(3 * n), base(3 * n), log_det(n), again(3 * n);
    Results r(n, 3);
    evaluator.sample(1, 0, points, log_q);
    evaluator.sample(1, 0, r.points, r.log_q);
    const auto rounded = [](const std::vector<double>& v) {
      return std::vector<float>(v.begin(), v.end());
    };
    EXPECT_EQ(points, rounded(r.points));
    EXPECT_EQ(log_q, rounded(r.log_q));
    const std::vector<double> in(points.begin(), points.end());
    evaluator.score(points, score, log_q);
    evaluator.score(in, r.score, r.log_q);
    EXPECT_EQ(score, rounded(r.score));
    EXPECT_EQ(log_q, rounded(r.log_q));
    evaluator.log_density(points, log_q);
    EXPECT_EQ(log_q, rounded(r.log_q));
    evaluator.to_base(points, base, log_det);
    evaluator.to_base(in, r.base, r.log_det);
    EXPECT_EQ(base, rounded(r.base));
    EXPECT_EQ(log_det, rounded(r.log_det));
    evaluator.to_sample(base, again, log_det);
    const std::vector<double> base_in(base.begin(), base.end());
    evaluator.to_sample(base_in, r.points, r.log_det);
    EXPECT_EQ(again, rounded(r.points));
    EXPECT_EQ(log_det, rounded(r.log_det));
  }
}

TEST(Evaluator, TakesNoMemoryOnceMade) {
  for (const auto precision : {Precision::float32, Precision::float64}) {
    for_each_flow(precision, [](const TrainedFlow& flow) {
      const std::size_t dim = flow.dim();
      for (const std::size_t threads : {1U, 2U}) {
        Evaluator evaluator(flow, threads);
        for (const std::size_t n : {std::size_t{1}, std::size_t{37}, 8 * tile_size}) {
          Results r(n, dim);
          std::vector<float> floats(n * dim);
          const bool density = evaluator.has_density();
          const auto before = test::allocations();
          evaluator.sample(7, 5, r.points, r.log_q,
                           density ? std::span(r.score) : std::span<double>());
          evaluator.sample(7, 128, floats);
          evaluator.to_sample(r.points, r.base, r.log_det);
          if (density) {
            evaluator.log_density(r.points, r.log_q);
            evaluator.score(r.points, r.score, r.log_q);
            evaluator.to_base(r.points, r.base, r.log_det);
          }
          EXPECT_EQ(test::allocations() - before, 0u) << threads << " threads, " << n;
        }
      }
    });
  }
}

TEST(Evaluator, SeveralMayShareAFlowAndMove) {
  const auto flow =
      random_flow("iaf(hidden=8) + affine-full", 3, Precision::float64, "full-normal");
  const auto expected = flow.sample(1000, 4);
  std::vector<std::vector<double>> got(4, std::vector<double>(3000));
  std::vector<std::thread> team;
  for (auto& points : got) {
    Evaluator made(flow);
    team.emplace_back([&points, evaluator = std::move(made)]() mutable {
      for (std::size_t i = 0; i < 1000; i += 10) {
        evaluator.sample(4, i, std::span(points).subspan(3 * i, 30));
      }
    });
  }
  for (auto& thread : team) thread.join();
  for (const auto& points : got) EXPECT_EQ(points, expected.z);
}

template <class F>
std::string refusal(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "no refusal";
}

TEST(Evaluator, RefusesWhatCannotBe) {
  const auto flow = random_flow("affine", 2, Precision::float64);
  Evaluator evaluator(flow);
  std::vector<double> two(2), three(3), four(4), none;
  EXPECT_EQ(refusal([&] { evaluator.sample(1, 0, three); }),
            "3 numbers are no whole points of dimension 2");
  EXPECT_EQ(refusal([&] { evaluator.sample(1, 0, four, three); }),
            "the span for ln q has 3 numbers, but 2 are needed");
  EXPECT_EQ(refusal([&] { evaluator.sample(1, 0, four, two, two); }),
            "the span for scores has 2 numbers, but 4 are needed");
  EXPECT_EQ(refusal([&] { evaluator.log_density(four, none); }),
            "the span for ln q has 0 numbers, but 2 are needed");
  EXPECT_EQ(refusal([&] { evaluator.score(four, two); }),
            "the span for scores has 2 numbers, but 4 are needed");
  EXPECT_EQ(refusal([&] { evaluator.to_base(four, four, three); }),
            "the span for log-dets has 3 numbers, but 2 are needed");
  EXPECT_EQ(refusal([&] { evaluator.to_sample(four, two); }),
            "the span for points has 2 numbers, but 4 are needed");
  EXPECT_EQ(refusal([&] { evaluator.sample(1, (std::uint64_t{1} << 32) - 1, four); }),
            "one seed has 4294967296 draws, and draws 4294967295 to 4294967297 were asked for: "
            "take the rest from another seed");
  EXPECT_EQ(refusal([&] { Evaluator(flow, 1025); }),
            "1025 threads for an evaluator: 0 to 1024 are possible");
  evaluator.sample(1, (std::uint64_t{1} << 32) - 2, four);
  evaluator.sample(1, 0, none);
  evaluator.log_density(none, none);
  EXPECT_GE(Evaluator(flow, 0).threads(), 1u);

  const auto folded = random_flow("planar-free:4", 2, Precision::float64, "standard-normal", 40);
  ASSERT_FALSE(folded.injective());
  Evaluator without(folded);
  EXPECT_FALSE(without.has_density());
  without.sample(1, 0, four, two);
  std::vector<double> mapped(4);
  without.to_sample(four, mapped);
  EXPECT_EQ(refusal([&] { without.log_density(four, two); }),
            "the flow is not injective, so it has no density to invert");
  EXPECT_EQ(refusal([&] { without.sample(1, 0, four, two, mapped); }),
            "the flow is not injective, so it has no density to invert");
}

}  // namespace
}  // namespace riffle
