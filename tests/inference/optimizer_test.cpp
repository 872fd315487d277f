#include "inference/optimizer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "support/failures.h"
#include "support/random.h"

namespace riffle::test {
namespace {

TEST(OptimizerRegistry, HasEveryKindOnce) {
  std::set<std::string_view> names;
  for (const auto& entry : optimizer_registry()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
  }
  EXPECT_EQ(names.size(), 3u);
}

// ------------------------------------------------------------------------------------------------
// PyTorch

constexpr std::size_t golden_steps = 7;
using Numbers = std::array<double, 3>;

constexpr Numbers golden_start{1.0, -2.0, 0.5};
constexpr std::array<Numbers, golden_steps> golden_grads{{
    {0.5, -3.0, 0.0},
    {-1.25, 2.0, 1e-3},
    {0.0625, 0.75, -40.0},
    {7.0, -0.1, 0.3},
    {-2.0, 1.5, 1e-6},
    {0.9, -0.4, 2.5},
    {0.0, 0.0, -1.75},
}};
constexpr double golden_rate = 0.03;

struct Golden {
  std::string_view name;
  std::string text;
  std::array<Numbers, golden_steps> params;  ///< after each step
};

std::string rmsprop(double momentum, bool centered) {
  return fmt::format("rmsprop(smoothing=0.9, epsilon=1e-6, momentum={}, centered={})", momentum,
                     centered ? "yes" : "no");
}

std::string adam() {
  return "adam(beta1=0.8, beta2=0.95, epsilon=1e-6)";
}

std::string sgd(double momentum) {
  return fmt::format("sgd(momentum={})", momentum);
}

// From torch.optim of PyTorch 1.13.0a0 on the CPU in float64: RMSprop(lr=0.03, alpha=0.9, eps=1e-6,
// ...), Adam(lr=0.03, betas=(0.8, 0.95), eps=1e-6), SGD(lr=0.03, ...), and its own defaults.
std::vector<Golden> goldens() {
  return {
      {"rmsprop",
       rmsprop(0, false),
       {{
           {0.9051322701911539, -1.9051317701948431, 0.5},
           {0.9938289197998027, -1.959677175153566, 0.40543072450219364},
           {0.9891598615879631, -1.9807019794542566, 0.5002990467805639},
           {0.8956661221111045, -1.977748466703799, 0.4995490702796723},
           {0.9226596782448989, -2.0196464796915925, 0.4995490676445235},
           {0.9099705634534893, -2.007959026525566, 0.4926233701171193},
           {0.9099705634534893, -2.007959026525566, 0.4977262005909392},
       }}},
      {"rmsprop with momentum",
       rmsprop(0.7, false),
       {{
           {0.9051322701911539, -1.9051317701948431, 0.5},
           {0.9274215089336105, -1.8932694142899562, 0.40543072450219364},
           {0.9383549178414905, -1.905990569457226, 0.43410055393209945},
           {0.852514564600148, -1.9119418653238571, 0.45341945803214195},
           {0.8194198734650026, -1.9580057854182924, 0.4669426882670229},
           {0.7835644748789911, -1.9785630763183704, 0.4694832519040354},
           {0.7584656958687831, -1.992953179948425, 0.47636447692376405},
       }}},
      {"rmsprop, centred",
       rmsprop(0, true),
       {{
           {0.9000006666622222, -1.9000001111109877, 0.5},
           {0.9903291207734821, -1.9546562957170535, 0.4003322259136213},
           {0.9855961937722151, -1.9756824219363327, 0.5003319675528305},
           {0.8880481700441326, -1.9727289082698136, 0.49954642714098796},
           {0.9154380225474132, -2.0150456573250453, 0.4995464243941823},
           {0.9024827817746104, -2.003307158672336, 0.4924049947240071},
           {0.9024827817746104, -2.003307158672336, 0.49767250608404373},
       }}},
      {"rmsprop, centred with momentum",
       rmsprop(0.7, true),
       {{
           {0.9000006666622222, -1.9000001111109877, 0.5},
           {0.9203295874370376, -1.8846563734947448, 0.4003322259136213},
           {0.9298269049781414, -1.8949418833826541, 0.4305645256923654},
           {0.8389270035288315, -1.8991882266376716, 0.4509415951256438},
           {0.8026869250175953, -1.9444774159714153, 0.465205540982133},
           {0.7643636292869271, -1.9644413498523265, 0.4680488734115003},
           {0.7375373222754594, -1.9784161035689645, 0.4753067174720941},
       }}},
      {"rmsprop as it is",
       "rmsprop",
       {{
           {0.7000000599999882, -1.70000001, 0.5},
           {0.9787353441244449, -1.866989107349853, 0.2000299970003001},
           {0.964743611406076, -1.928584645453905, 0.5000299961574874},
           {0.6700422499350247, -1.9203336552085868, 0.49776872531927174},
           {0.7514884927612905, -2.0352366753708724, 0.4977687177437294},
           {0.7149276105367197, -2.0046024826923676, 0.4787726482409776},
           {0.7149276105367197, -2.0046024826923676, 0.4921236451733702},
       }}},
      {"adam",
       adam(),
       {{
           {0.97000005999988, -1.9700000099999966, 0.5},
           {0.9847451788155589, -1.9673721391798886, 0.47675872127322494},
           {0.9945397883039298, -1.9698992147514034, 0.49752389412037434},
           {0.9766418836192682, -1.971285443955894, 0.5134386639315174},
           {0.9682133874266617, -1.9800347045675888, 0.5261063940538849},
           {0.9590720973931719, -1.9849962810418806, 0.5350747750319217},
           {0.9515966562459505, -1.98905369216132, 0.5433011344820792},
       }}},
      {"adam as it is",
       "adam",
       {{
           {0.9700000006, -1.9700000001, 0.5},
           {0.9832664583741687, -1.9656643842255133, 0.477676210920107},
           {0.9926211902199671, -1.9662893542053368, 0.496840187688606},
           {0.9769483623692952, -1.9663272614835066, 0.512406893811539},
           {0.9686170477297785, -1.972537599543794, 0.5255643097146893},
           {0.9595971143465812, -1.9762927390654736, 0.5359036527966794},
           {0.9517199692232678, -1.9795721179374828, 0.5455884114445847},
       }}},
      {"sgd",
       sgd(0),
       {{
           {0.985, -1.91, 0.5},
           {1.0225, -1.97, 0.49997},
           {1.020625, -1.9925, 1.69997},
           {0.8106249999999999, -1.9895, 1.69097},
           {0.870625, -2.0345, 1.69096997},
           {0.843625, -2.0225, 1.61596997},
           {0.843625, -2.0225, 1.66846997},
       }}},
      {"sgd with momentum",
       sgd(0.7),
       {{
           {0.985, -1.91, 0.5},
           {1.012, -1.907, 0.49997},
           {1.029025, -1.9274, 1.699949},
           {0.8309425, -1.93868, 2.5309342999999997},
           {0.7522847500000001, -1.991576, 3.1126239799999995},
           {0.6702243250000001, -2.0166032, 3.4448067559999993},
           {0.6127820275000001, -2.03412224, 3.729834699199999},
       }}},
  };
}

template <class T>
class OptimizerTest : public ::testing::Test {
 protected:
  static constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  static constexpr T inf = std::numeric_limits<T>::infinity();
  static constexpr T most = std::numeric_limits<T>::max();
  static constexpr double epsilon = static_cast<double>(std::numeric_limits<T>::epsilon());

  static AlignedVector<T> padded(const std::unique_ptr<Optimizer<T>>& optimizer,
                                 std::span<const double> numbers) {
    AlignedVector<T> all(optimizer->padded_size(), T(0));
    for (std::size_t i = 0; i < numbers.size(); ++i) all[i] = static_cast<T>(numbers[i]);
    return all;
  }

  /// Everything that a step may change, but the count of steps.
  static std::vector<T> snapshot(const std::unique_ptr<Optimizer<T>>& optimizer,
                                 std::span<const T> params) {
    std::vector<T> all(params.begin(), params.end());
    const auto state = optimizer->state();
    for (const auto part : {state.first, state.second, state.velocity}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
  static bool same_bits(std::span<const T> a, std::span<const T> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
  }
};

using Precisions = ::testing::Types<float, double>;
struct PrecisionName {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, float> ? "float" : "double";
  }
};
TYPED_TEST_SUITE(OptimizerTest, Precisions, PrecisionName);

TYPED_TEST(OptimizerTest, HasTheSemanticsOfPyTorch) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    for (const auto& golden : goldens()) {
      const auto optimizer = make_optimizer<T>(golden.text, {3, set});
      auto params = this->padded(optimizer, golden_start);
      for (std::size_t t = 0; t < golden_steps; ++t) {
        auto grad = this->padded(optimizer, golden_grads[t]);
        ASSERT_TRUE(optimizer->step(golden_rate, params, grad));
        EXPECT_EQ(optimizer->steps(), t + 1);
        for (std::size_t i = 0; i < 3; ++i) {
          EXPECT_NEAR(static_cast<double>(params[i]), golden.params[t][i], 64 * this->epsilon)
              << golden.name << ", step " << t << ", parameter " << i << ", " << set.name();
        }
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------
// An independent implementation

/// The update rules one number at a time, as the papers and PyTorch's documentation write them.
class Plain {
 public:
  explicit Plain(const std::string& text) : o_(choose(optimizer_registry(), text, "optimizer")) {}

  long double step(double rate, long double x, long double g) {
    ++t_;
    const auto number = [&](std::string_view name) -> long double {
      return o_.arguments.number(name);
    };
    if (o_.entry.name == "rmsprop") {
      const long double a = number("smoothing");
      square_ = a * square_ + (1 - a) * g * g;
      average_ = a * average_ + (1 - a) * g;
      const long double spread =
          o_.arguments.flag("centered") ? std::max(0.0L, square_ - average_ * average_) : square_;
      const long double direction = g / (std::sqrt(spread) + number("epsilon"));
      buffer_ = number("momentum") * buffer_ + direction;
      return x - rate * (number("momentum") > 0 ? buffer_ : direction);
    }
    if (o_.entry.name == "adam") {
      const long double beta1 = number("beta1");
      const long double beta2 = number("beta2");
      average_ = beta1 * average_ + (1 - beta1) * g;
      square_ = beta2 * square_ + (1 - beta2) * g * g;
      const auto t = static_cast<long double>(t_);
      const long double m = average_ / (1 - std::pow(beta1, t));
      const long double v = square_ / (1 - std::pow(beta2, t));
      return x - rate * m / (std::sqrt(v) + number("epsilon"));
    }
    buffer_ = number("momentum") * buffer_ + g;
    return x - rate * buffer_;
  }

 private:
  Choice<OptimizerEntry> o_;
  std::uint64_t t_ = 0;
  long double square_ = 0;
  long double average_ = 0;
  long double buffer_ = 0;
};

std::vector<std::string> many_texts() {
  std::vector<std::string> all{
      rmsprop(0, false), rmsprop(0.9, false), rmsprop(0, true), rmsprop(0.9, true), adam(), sgd(0),
      sgd(0.9)};
  for (const auto& entry : optimizer_registry()) all.emplace_back(entry.name);
  return all;
}

TYPED_TEST(OptimizerTest, EqualsAnIndependentImplementationOnEveryInstructionSet) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    for (const auto& text : many_texts()) {
      for (const std::size_t size : {1U, 15U, 16U, 17U, 67U}) {
        Random random(size);
        const auto optimizer = make_optimizer<T>(text, {size, set});
        ASSERT_GE(optimizer->padded_size(), size);
        ASSERT_EQ(optimizer->padded_size() % 16, 0u);
        std::vector<Plain> plain(size, Plain(text));
        AlignedVector<T> params(optimizer->padded_size());
        AlignedVector<T> grad(optimizer->padded_size());
        std::vector<long double> expected(size);
        for (std::size_t i = 0; i < size; ++i) {
          params[i] = static_cast<T>(random.normal());
          expected[i] = static_cast<long double>(params[i]);
        }
        for (int t = 0; t < 40; ++t) {
          const double rate = 0.01 / (1 + t);
          for (std::size_t i = 0; i < size; ++i) {
            grad[i] = static_cast<T>(random.normal() * std::exp(2 * random.normal()));
            expected[i] = plain[i].step(rate, expected[i], static_cast<long double>(grad[i]));
          }
          ASSERT_TRUE(optimizer->step(rate, params, grad));
        }
        for (std::size_t i = 0; i < size; ++i) {
          const auto e = static_cast<double>(expected[i]);
          EXPECT_NEAR(static_cast<double>(params[i]), e, 200 * this->epsilon * (1 + std::abs(e)))
              << set.name() << ", " << text << ", size " << size;
        }
        // What lies behind the parameters stays zero, in the state too.
        const auto state = optimizer->state();
        for (std::size_t i = size; i < params.size(); ++i) {
          EXPECT_EQ(params[i], T(0));
          EXPECT_EQ(state.first[i], T(0));
          EXPECT_EQ(state.second[i], T(0));
          EXPECT_EQ(state.velocity[i], T(0));
        }
      }
    }
  }
}

TYPED_TEST(OptimizerTest, CentringSurvivesAConstantGradient) {
  using T = TypeParam;
  // v - m² is 0 but for rounding, which may be below 0.
  for (const auto set : InstructionSet::available()) {
    const auto optimizer = make_optimizer<T>(rmsprop(0.5, true), {20, set});
    AlignedVector<T> params(optimizer->padded_size());
    AlignedVector<T> grad(optimizer->padded_size());
    for (std::size_t i = 0; i < 20; ++i) grad[i] = T(0.1) * static_cast<T>(i);
    for (int t = 0; t < 1000; ++t) ASSERT_TRUE(optimizer->step(1e-6, params, grad));
    for (const T v : this->snapshot(optimizer, params)) EXPECT_TRUE(std::isfinite(v));
  }
}

// ------------------------------------------------------------------------------------------------
// Clipping

TYPED_TEST(OptimizerTest, ClipsToTheNorm) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    const auto optimizer = make_optimizer<T>("sgd", {20, set, 2.5});
    AlignedVector<T> params(optimizer->padded_size());
    auto grad = this->padded(optimizer, std::array{3.0, 0.0, -4.0});
    ASSERT_TRUE(optimizer->step(1, params, grad));
    EXPECT_NEAR(static_cast<double>(grad[0]), 1.5, 4 * this->epsilon);
    EXPECT_NEAR(static_cast<double>(grad[2]), -2, 4 * this->epsilon);
    EXPECT_NEAR(static_cast<double>(params[0]), -1.5, 4 * this->epsilon);
    EXPECT_NEAR(static_cast<double>(params[2]), 2, 4 * this->epsilon);
    for (std::size_t i = 3; i < params.size(); ++i) EXPECT_EQ(params[i], T(0));
  }
}

TYPED_TEST(OptimizerTest, LeavesAGradientThatIsShortEnough) {
  using T = TypeParam;
  for (const double clip : {5.0, 5.5, std::numeric_limits<double>::infinity()}) {
    const auto optimizer = make_optimizer<T>("sgd", {3, InstructionSet::best(), clip});
    AlignedVector<T> params(optimizer->padded_size());
    auto grad = this->padded(optimizer, std::array{3.0, 0.0, -4.0});
    ASSERT_TRUE(optimizer->step(1, params, grad));
    EXPECT_EQ(grad[0], T(3));
    EXPECT_EQ(grad[2], T(-4));
    EXPECT_EQ(params[0], T(-3));
  }
}

TYPED_TEST(OptimizerTest, ClipsWhereTheNormOverflows) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    for (const T size : {std::sqrt(this->most), this->most / 8}) {
      const auto optimizer = make_optimizer<T>("sgd", {20, set, 2.5});
      AlignedVector<T> params(optimizer->padded_size());
      AlignedVector<T> grad(optimizer->padded_size());
      grad[1] = 3 * size;
      grad[17] = -4 * size;
      ASSERT_TRUE(optimizer->step(1, params, grad));
      // The factor may be so small that it has lost some of its digits.
      EXPECT_NEAR(static_cast<double>(params[1]), -1.5, 64 * this->epsilon);
      EXPECT_NEAR(static_cast<double>(params[17]), 2, 64 * this->epsilon);
      EXPECT_EQ(params[0], T(0));
    }
  }
}

TYPED_TEST(OptimizerTest, ClipsAGradientOfTheLargestNumbers) {
  using T = TypeParam;
  const auto optimizer = make_optimizer<T>("sgd", {16, InstructionSet::best(), 2});
  AlignedVector<T> params(optimizer->padded_size());
  AlignedVector<T> grad(optimizer->padded_size(), this->most);
  ASSERT_TRUE(optimizer->step(1, params, grad));
  for (const T p : params) EXPECT_NEAR(static_cast<double>(p), -0.5, 64 * this->epsilon);
}

// ------------------------------------------------------------------------------------------------
// Numbers that are not finite

TYPED_TEST(OptimizerTest, RefusesAGradientThatIsNotFiniteAndChangesNothing) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    for (const auto& text : many_texts()) {
      for (const double clip : {1.0, std::numeric_limits<double>::infinity()}) {
        const auto optimizer = make_optimizer<T>(text, {37, set, clip});
        AlignedVector<T> params(optimizer->padded_size());
        AlignedVector<T> grad(optimizer->padded_size());
        for (std::size_t i = 0; i < 37; ++i) grad[i] = T(1) + static_cast<T>(i);
        for (int t = 0; t < 3; ++t) ASSERT_TRUE(optimizer->step(0.1, params, grad));
        const auto before = this->snapshot(optimizer, params);
        for (const T bad : {this->nan, this->inf, -this->inf}) {
          for (const std::size_t at : {0U, 17U, 36U}) {
            auto spoilt = grad;
            spoilt[at] = bad;
            // An overflow of the norm must not hide it.
            for (const T other : {T(1), this->most}) {
              spoilt[(at + 1) % 37] = other;
              const auto given = spoilt;
              EXPECT_FALSE(optimizer->step(0.1, params, spoilt));
              EXPECT_TRUE(this->same_bits(given, spoilt));
              EXPECT_TRUE(this->same_bits(before, this->snapshot(optimizer, params)));
              EXPECT_EQ(optimizer->steps(), 3u);
            }
          }
        }
        EXPECT_TRUE(optimizer->step(0.1, params, grad));
        EXPECT_EQ(optimizer->steps(), 4u);
      }
    }
  }
}

TYPED_TEST(OptimizerTest, AParameterThatWouldOverflowStays) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    for (const auto& text : many_texts()) {
      const auto optimizer = make_optimizer<T>(text, {20, set});
      AlignedVector<T> params(optimizer->padded_size());
      AlignedVector<T> grad(optimizer->padded_size());
      params[3] = -this->most;
      params[4] = T(1);
      params[18] = this->most;
      params[19] = this->most;
      for (const std::size_t i : {3U, 4U, 18U, 19U}) grad[i] = T(1);
      grad[18] = T(-1);
      // So large that each step, of a size near the rate, would overflow at [3] and [18].
      const double rate = static_cast<double>(this->most) / 64;
      ASSERT_TRUE(optimizer->step(rate, params, grad));
      EXPECT_EQ(params[3], -this->most) << text;
      EXPECT_EQ(params[18], this->most) << text;
      EXPECT_LT(params[4], T(0)) << text;
      EXPECT_LT(params[19], this->most) << text;
      for (const T p : params) EXPECT_TRUE(std::isfinite(p));
    }
  }
}

// ------------------------------------------------------------------------------------------------
// State

TYPED_TEST(OptimizerTest, GoesOnFromItsStateWithTheSameBits) {
  using T = TypeParam;
  for (const auto& text : many_texts()) {
    Random random(3);
    const auto first = make_optimizer<T>(text, {21, InstructionSet::best()});
    AlignedVector<T> params(first->padded_size());
    AlignedVector<T> grad(first->padded_size());
    const auto draw = [&] {
      for (std::size_t i = 0; i < 21; ++i) grad[i] = static_cast<T>(random.normal());
    };
    for (int t = 0; t < 5; ++t) {
      draw();
      first->step(0.1, params, grad);
    }
    const auto second = make_optimizer<T>(text, {21, InstructionSet::best()});
    auto other_params = params;
    const auto from = first->state();
    const auto to = second->state();
    std::copy(from.first.begin(), from.first.end(), to.first.begin());
    std::copy(from.second.begin(), from.second.end(), to.second.begin());
    std::copy(from.velocity.begin(), from.velocity.end(), to.velocity.begin());
    second->set_steps(from.steps);
    for (int t = 0; t < 5; ++t) {
      draw();
      first->step(0.1, params, grad);
      second->step(0.1, other_params, grad);
    }
    EXPECT_TRUE(
        this->same_bits(this->snapshot(first, params), this->snapshot(second, other_params)));
    EXPECT_EQ(first->steps(), second->steps());
  }
}

}  // namespace
}  // namespace riffle::test
