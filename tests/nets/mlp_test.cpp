// Nets against plain sums, dual numbers and finite differences, on every instruction set; what a
// masked net may and must depend on; parameters and initial values.

#include "nets/mlp.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "nets/mlp_checks.h"
#include "support/effort.h"
#include "support/random.h"

namespace riffle::test {
namespace {

constexpr std::size_t counts[] = {1, 2, 15, 16, 17, 127, 128};
const std::vector<std::size_t> all_counts(std::begin(counts), std::end(counts));

template <class T>
constexpr T nan_of = std::numeric_limits<T>::quiet_NaN();

/// Modest parameters, and ones at which hidden units saturate or grow.
constexpr double scales[] = {0.7, 4};

std::string where(InstructionSet set, std::size_t count, double scale) {
  return fmt::format("{} samples on {}, scale {}", count, set.name(), scale);
}

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

class MlpTest : public ::testing::TestWithParam<NetCase> {
 protected:
  const MlpShape shape_ = GetParam().shape();

  template <class T>
  void expect_plain_sums() const {
    for (const double scale : scales) {
      if (hurried && scale != scales[1]) continue;
      const NetInput<T> in(shape_, scale, 31);
      const PlainNet plain(shape_, in, all_counts);
      for (const auto set : InstructionSet::available()) {
        const Net<T> net(shape_, set);
        for (const std::size_t count : counts) {
          EXPECT_TRUE(none(check_values(net, in, plain, count))) << where(set, count, scale);
          EXPECT_TRUE(none(check_gradients(net, in, plain, count))) << where(set, count, scale);
        }
      }
    }
  }

  template <class T>
  void expect_the_rest() const {
    const NetInput<T> in(shape_, 1.0, 32);
    for (const auto set : InstructionSet::available()) {
      const Net<T> net(shape_, set);
      const auto all = run(net, in, tile_size);
      {
        SCOPED_TRACE(set.name());
        expect_samples_alone(net, in, all);
        expect_parts_as_the_whole(net, in, all);
        expect_nan_stays_in_its_sample(net, in, all);
      }
      const PlainNet plain(shape_, in, {17});
      EXPECT_TRUE(none(check_accumulation(net, in, plain, 17))) << set.name();
    }
  }

 private:
  /// A sample is the same to the bit whatever its tile holds besides.
  template <class T>
  void expect_samples_alone(const Net<T>& net, const NetInput<T>& in,
                            const NetOutput<T>& all) const {
    for (const std::size_t count : counts) {
      const auto some = run(net, in, count);
      const auto again = run(net, in, count);
      std::size_t other = 0;
      for (std::size_t s = 0; s < count; ++s) {
        for (std::size_t o = 0; o < shape_.outputs; ++o) {
          other += !same_bits(some.out.view()(o, s), all.out.view()(o, s));
        }
        for (std::size_t d = 0; d < shape_.inputs; ++d) {
          other += !same_bits(some.g_x.view()(d, s), all.g_x.view()(d, s));
        }
      }
      EXPECT_EQ(other, 0u) << "of " << count << " samples differ from those among 128";
      EXPECT_EQ(some.grad, again.grad);
    }
  }

  /// What is not wanted is not computed, and the rest is the same to the bit.
  template <class T>
  void expect_parts_as_the_whole(const Net<T>& net, const NetInput<T>& in,
                                 const NetOutput<T>& all) const {
    const NetInput<T> x = in.first(tile_size);
    AlignedVector<T> cache(mlp_cache_size(shape_), nan_of<T>);
    TileBuffer<T> out(shape_.outputs);
    TileBuffer<T> g_x(shape_.inputs);
    AlignedVector<T> grad(shape_.parameters + 1);
    net.forward(x.params(), x.x.view(), out.view(), cache.data());
    net.vjp(x.params(), x.x.view(), cache.data(), x.g.view(), g_x.view(), nullptr);
    net.vjp(x.params(), x.x.view(), cache.data(), x.g.view(),
            Tile<T>(nullptr, shape_.inputs, tile_size), grad.data() + 1);
    EXPECT_EQ(grad, all.grad);
    for (std::size_t d = 0; d < shape_.inputs; ++d) {
      for (std::size_t s = 0; s < tile_size; ++s) {
        ASSERT_EQ(g_x.view()(d, s), all.g_x.view()(d, s));
      }
    }
  }

  template <class T>
  void expect_nan_stays_in_its_sample(const Net<T>& net, const NetInput<T>& in,
                                      const NetOutput<T>& all) const {
    if (shape_.inputs == 0) return;
    constexpr std::size_t poor = 5;
    auto spoilt = in;
    for (std::size_t d = 0; d < shape_.inputs; ++d) spoilt.x.row(d)[poor] = nan_of<T>;
    const auto y = run(net, spoilt, tile_size);
    for (std::size_t o = 0; o < shape_.outputs; ++o) {
      // Those that see nothing may be NaN too.
      const bool depends = shape_.layers.back().mask.empty() || shape_.layers.back().mask[o] > 0;
      if (depends) {
        EXPECT_TRUE(std::isnan(y.out.view()(o, poor))) << "output " << o;
      }
      for (std::size_t s = 0; s < tile_size; ++s) {
        if (s == poor) continue;
        ASSERT_TRUE(same_bits(y.out.view()(o, s), all.out.view()(o, s))) << o << " " << s;
      }
    }
  }
};

TEST_P(MlpTest, FloatsAreThePlainSums) {
  expect_plain_sums<float>();
}
TEST_P(MlpTest, DoublesAreThePlainSums) {
  expect_plain_sums<double>();
}
TEST_P(MlpTest, FloatsStayByThemselves) {
  expect_the_rest<float>();
}
TEST_P(MlpTest, DoublesStayByThemselves) {
  expect_the_rest<double>();
}

TEST_P(MlpTest, VjpIsThatOfDualNumbers) {
  constexpr std::size_t count = 19;
  for (const double scale : scales) {
    const NetInput<double> in(shape_, scale, 33);
    const PlainNet plain(shape_, in, {count});
    for (const auto set : {InstructionSet::scalar(), InstructionSet::best()}) {
      EXPECT_TRUE(none(check_vjp_by_duals(Net<double>(shape_, set), in, plain, count)))
          << where(set, count, scale);
    }
  }
}

/// Kinks would spoil differences.
class SmoothMlpTest : public MlpTest {};

TEST_P(SmoothMlpTest, VjpIsThatOfDifferences) {
  const NetInput<double> in(shape_, 0.7, 34);
  EXPECT_TRUE(none(check_vjp_by_differences(Net<double>(shape_, InstructionSet::best()), in, 9)));
}

TEST_P(MlpTest, LayoutIsThatOfTheShape) {
  ParameterLayout layout;
  layout.add("before", "", {7});
  add_mlp_parameters(layout, shape_, "net.");
  EXPECT_EQ(layout.size(), 7 + shape_.parameters);
  std::size_t k = 1;
  const auto next = [&] { return layout.views()[k++]; };
  for (std::size_t l = 0; l < shape_.layers.size(); ++l) {
    const auto& layer = shape_.layers[l];
    const auto w = next();
    EXPECT_EQ(w.name, fmt::format("net.{}.W", l));
    EXPECT_EQ(w.shape, (std::vector<std::size_t>{layer.outputs, layer.inputs}));
    EXPECT_EQ(w.offset, 7 + layer.offset);
    const auto b = next();
    EXPECT_EQ(b.name, fmt::format("net.{}.b", l));
    EXPECT_EQ(b.shape, (std::vector<std::size_t>{layer.outputs}));
    EXPECT_EQ(b.offset, 7 + layer.bias_offset());
  }
  if (shape_.direct.outputs > 0) {
    const auto w = next();
    EXPECT_EQ(w.name, "net.direct.W");
    EXPECT_EQ(w.offset, 7 + shape_.direct.offset);
  }
  EXPECT_EQ(k, layout.views().size());
  EXPECT_EQ(mlp_cache_size(shape_) % 16, 0u);
  EXPECT_EQ(mlp_workspace_size(shape_) % 16, 0u);
}

TEST_P(MlpTest, FreshNetsGiveZero) {
  const NetInput<double> in(shape_, 1, 35);
  AlignedVector<double> params(shape_.parameters, nan_of<double>);
  const RandomStream stream{7, Purpose::initial_values, 3};
  initialise_mlp(stream, shape_, params.data());
  const Net<double> net(shape_, InstructionSet::best());
  TileBuffer<double> out(shape_.outputs);
  AlignedVector<double> cache(mlp_cache_size(shape_));
  net.forward(params.data(), in.x.view(), out.view(), cache.data());
  for (std::size_t o = 0; o < shape_.outputs; ++o) {
    for (std::size_t s = 0; s < tile_size; ++s) ASSERT_EQ(out.view()(o, s), 0.0);
  }
  // Another seed, step or net: other hidden layers, if there are any.
  const auto drawn = [&](const RandomStream& from, std::uint32_t number) {
    std::vector<double> p(shape_.parameters);
    initialise_mlp(from, shape_, p.data(), number);
    return p;
  };
  const auto first = drawn(stream, 0);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), params.begin()));
  const bool hidden = shape_.layers.size() > 1;
  EXPECT_EQ(drawn({8, Purpose::initial_values, 3}, 0) != first, hidden);
  EXPECT_EQ(drawn({7, Purpose::initial_values, 4}, 0) != first, hidden);
  EXPECT_EQ(drawn(stream, 1) != first, hidden);
  for (std::size_t l = 0; l + 1 < shape_.layers.size(); ++l) {
    const auto& layer = shape_.layers[l];
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      const double seen = layer.mask.empty() ? double(layer.inputs) : double(layer.mask[o]);
      const double fan =
          shape_.activation == Activation::tanh ? seen + double(layer.outputs) : seen;
      for (std::size_t i = 0; i < layer.inputs; ++i) {
        const double w = first[layer.offset + o * layer.inputs + i];
        if (alive(layer, o, i)) {
          EXPECT_NE(w, 0);
          EXPECT_LE(std::abs(w), std::sqrt(6 / fan));
        } else {
          EXPECT_EQ(w, 0);
        }
      }
      EXPECT_NE(first[layer.bias_offset() + o], 0);
      EXPECT_LE(std::abs(first[layer.bias_offset() + o]), 1 / std::sqrt(std::max(seen, 1.0)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Nets, MlpTest, ::testing::ValuesIn(net_cases()),
                         [](const auto& test) { return test.param.name(); });

std::vector<NetCase> smooth_cases() {
  auto cases = net_cases();
  std::erase_if(cases, [](const NetCase& c) { return !smooth(c.activation); });
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Nets, SmoothMlpTest, ::testing::ValuesIn(smooth_cases()),
                         [](const auto& test) { return test.param.name(); });

using Paths = std::vector<std::vector<std::size_t>>;

/// The number of paths from each input, by rank, to each output: the product of the masks.
Paths paths(const MlpShape& shape) {
  Paths from(shape.inputs, std::vector<std::size_t>(shape.outputs));
  for (std::size_t r = 0; r < shape.inputs; ++r) {
    std::vector<std::size_t> reached(shape.inputs);
    reached[r] = 1;
    for (const auto& layer : shape.layers) {
      std::vector<std::size_t> next(layer.outputs);
      for (std::size_t o = 0; o < layer.outputs; ++o) {
        for (std::size_t i = 0; i < layer.inputs; ++i) {
          // Whether there is one is enough, and does not overflow.
          if (alive(layer, o, i) && reached[i] > 0) next[o] = 1;
        }
        if (layer.residual && reached[o] > 0) next[o] = 1;
      }
      reached = next;
    }
    for (std::size_t o = 0; o < shape.outputs; ++o) {
      const bool direct = shape.direct.outputs > 0 && alive(shape.direct, o, r);
      from[r][o] = reached[o] > 0 || direct ? 1 : 0;
    }
  }
  return from;
}

std::vector<std::vector<std::size_t>> orders(std::size_t dim) {
  std::vector<std::size_t> natural(dim);
  std::iota(natural.begin(), natural.end(), std::size_t{0});
  const std::vector<std::size_t> reversed(natural.rbegin(), natural.rend());
  auto shuffled = natural;
  Random random(41);
  for (std::size_t i = dim; i > 1; --i) {
    std::swap(shuffled[i - 1],
              shuffled[static_cast<std::size_t>(random.uniform(0, 1) * double(i))]);
  }
  return {natural, reversed, shuffled};
}

TEST(Masks, ExactlyTheAllowedDependencesExist) {
  for (const std::size_t dim : std::initializer_list<std::size_t>{1, 2, 3, 5, 8, 17, 40}) {
    for (const auto& rank : orders(dim)) {
      for (const auto& hidden : std::vector<std::vector<std::size_t>>{
               {}, {1}, {dim}, {64}, {7, 64}, {64, 7}, {16, 16, 16}, {64, 65, 64}, {39, 39}}) {
        for (const std::size_t numbers : std::initializer_list<std::size_t>{1, 3}) {
          const auto shape = masked_mlp_shape(rank, hidden, numbers, Activation::relu, true);
          const auto reached = paths(shape);
          for (std::size_t r = 0; r < dim; ++r) {
            for (std::size_t o = 0; o < shape.outputs; ++o) {
              ASSERT_EQ(reached[r][o] > 0, r < rank[o / numbers])
                  << "input of rank " << r << ", output " << o << ", dimension " << dim;
            }
          }
          const bool narrow =
              std::any_of(hidden.begin(), hidden.end(), [&](std::size_t w) { return w + 1 < dim; });
          EXPECT_EQ(shape.direct.outputs > 0, narrow);
        }
      }
    }
  }
}

TEST(Masks, HiddenRowsSeePrefixesThatGrow) {
  const auto shape =
      masked_mlp_shape(orders(9)[2], std::vector<std::size_t>{64, 30}, 2, Activation::tanh, false);
  for (std::size_t l = 0; l + 1 < shape.layers.size(); ++l) {
    EXPECT_TRUE(std::is_sorted(shape.layers[l].mask.begin(), shape.layers[l].mask.end()));
    EXPECT_GT(shape.layers[l].mask.front(), 0u);
  }
}

// The Jacobian itself: what must not depend is exactly 0, what may depend does.
TEST(Masks, NetsAreAutoregressive) {
  for (const auto& rank : orders(6)) {
    for (const auto& hidden : std::vector<std::vector<std::size_t>>{{}, {3}, {17, 17}}) {
      const std::size_t numbers = 3;
      const auto shape = masked_mlp_shape(rank, hidden, numbers, Activation::tanh, true);
      NetInput<double> in(shape, 1, 42);
      for (const auto set : InstructionSet::available()) {
        const Net<double> net(shape, set);
        for (std::size_t o = 0; o < shape.outputs; ++o) {
          for (std::size_t k = 0; k < shape.outputs; ++k) {
            std::fill_n(in.g.row(k), tile_size, k == o ? 1.0 : 0.0);
          }
          const auto y = run(net, in, 20);
          for (std::size_t i = 0; i < rank.size(); ++i) {
            for (std::size_t s = 0; s < 20; ++s) {
              ASSERT_EQ(y.g_x.view()(i, s) != 0, rank[i] < rank[o / numbers])
                  << "output " << o << " of input " << i << " on " << set.name();
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace riffle::test
