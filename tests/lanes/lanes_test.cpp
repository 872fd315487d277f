// The accuracies that lanes/simd.inc states, and the meaning of every function of the lane policy,
// on every instruction set of the processor.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "core/aligned.h"
#include "core/instruction_set.h"
#include "core/philox.h"
#include "support/failures.h"
#include "support/random.h"

namespace riffle {
namespace {

enum class Unary {
  negate,
  abs,
  sqrt,
  exp,
  exp_nonpositive,
  exp_moderate,
  log,
  log1p,
  tanh,
  sigmoid,
  normal_cdf,
  finite
};
enum class Binary {
  add,
  subtract,
  multiply,
  divide,
  min,
  max,
  copysign,
  less,
  less_equal,
  fma,
  fnma
};

template <class T>
struct ProbeKernels {
  std::size_t (*width)();
  void (*unary)(Unary, const T*, T*, std::size_t);
  void (*binary)(Binary, const T*, const T*, T*, std::size_t);
  void (*sincos)(const T*, T*, T*, std::size_t);
  T (*sum_of)(const T*);
  void (*add_sums_of)(const T*, T*);
  void (*transpose)(T*);
  void (*copy_unaligned)(const T*, T*);
  long long (*instruction_set)();
  bool (*all_positive)(const T*);
  void (*first)(std::size_t, T*);
  void (*philox)(const RandomStream&, std::uint32_t, std::uint32_t, std::uint32_t*);
  void (*uniforms)(const RandomStream&, std::uint32_t, std::uint32_t, T*, T*);

  template <class Maths>
  static ProbeKernels of() {
    return {&Maths::width,        &Maths::unary,          &Maths::binary,
            &Maths::sincos,       &Maths::sum_of,         &Maths::add_sums_of,
            &Maths::transpose,    &Maths::copy_unaligned, &Maths::instruction_set,
            &Maths::all_positive, &Maths::first,          &Maths::philox,
            &Maths::uniforms};
  }
};

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "lanes/probe.inc"
#define RIFFLE_CLASS Probe
#define RIFFLE_KERNELS ProbeKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

using test::Failures;
using test::none;
using test::Random;

template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
constexpr T nan_of = std::numeric_limits<T>::quiet_NaN();

/// Sizes are rounded up to this, a multiple of every width.
constexpr std::size_t whole = 64;

template <class T>
AlignedVector<T> padded(std::vector<T> x, T filler) {
  x.resize((x.size() + whole - 1) / whole * whole, filler);
  return AlignedVector<T>(x.begin(), x.end());
}

/// Numbers of both signs and of every size that `keep` accepts: each exponent, with random
/// mantissas.
template <class T, class Keep>
AlignedVector<T> of_every_size(std::size_t per_exponent, Keep keep, T filler) {
  Random random(11);
  std::vector<T> x;
  for (int e = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
       e <= std::numeric_limits<T>::max_exponent; ++e) {
    for (std::size_t i = 0; i < per_exponent; ++i) {
      const T v = std::ldexp(static_cast<T>(random.sign() * random.uniform(0.5, 1)), e);
      if (keep(v)) x.push_back(v);
    }
  }
  return padded(x, filler);
}

template <class T>
void add_uniform(AlignedVector<T>& x, std::size_t n, double low, double high) {
  Random random(12);
  for (std::size_t i = 0; i < n; ++i) x.push_back(static_cast<T>(random.uniform(low, high)));
}

/// Distance between neighbours of T at the size of x.
template <class T>
long double spacing(long double x) {
  int e = 0;
  std::frexp(x, &e);
  e = std::max(e, std::numeric_limits<T>::min_exponent) - std::numeric_limits<T>::digits;
  return std::ldexp(1.0L, e);
}

/// Long double must be wider than double to judge it to the ulp.
constexpr bool long_double_is_wider =
    std::numeric_limits<long double>::digits >= std::numeric_limits<double>::digits + 10;

template <class T>
class LanesTest : public ::testing::Test {};
using Precisions = ::testing::Types<float, double>;
struct PrecisionName {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, float> ? "float" : "double";
  }
};
TYPED_TEST_SUITE(LanesTest, Precisions, PrecisionName);

template <class T>
void expect_within(Unary which, const AlignedVector<T>& x, long double (*exact)(long double),
                   double bound, std::string_view name) {
  std::vector<long double> reference(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    reference[i] = exact(static_cast<long double>(x[i]));
  }
  AlignedVector<T> y(x.size());
  for (const auto set : InstructionSet::available()) {
    kernels_for<T>(set).unary(which, x.data(), y.data(), x.size());
    long double worst = 0;
    std::size_t at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      // A result past the largest number rounds to infinity.
      if (std::isinf(static_cast<T>(reference[i])) && std::isinf(y[i])) continue;
      const long double off =
          std::abs(static_cast<long double>(y[i]) - reference[i]) / spacing<T>(reference[i]);
      if (!(off <= worst)) {
        worst = off;
        at = i;
      }
    }
    EXPECT_LE(worst, bound) << name << "(" << fmt::format("{:.17g}", x[at])
                            << ") = " << fmt::format("{:.17g}", y[at]) << " on " << set.name();
  }
}

long double exact_tanh(long double x) {
  return std::tanh(x);
}
long double exact_sigmoid(long double x) {
  const long double e = std::exp(-std::abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}
long double exact_exp(long double x) {
  return std::exp(x);
}
long double exact_log(long double x) {
  return std::log(x);
}
long double exact_log1p(long double x) {
  return std::log1p(x);
}

#define RIFFLE_NEEDS_A_REFERENCE(T)                                                              \
  if (std::is_same_v<T, double> && !long_double_is_wider) {                                      \
    GTEST_SKIP() << "long double is no wider than double here, so no reference is exact enough"; \
  }

TYPED_TEST(LanesTest, TanhKeepsItsBound) {
  using T = TypeParam;
  RIFFLE_NEEDS_A_REFERENCE(T)
  auto x = of_every_size<T>(
      64, [](T) { return true; }, T(0));
  add_uniform(x, 1 << 17, -1, 1);
  add_uniform(x, 1 << 17, -25, 25);
  expect_within<T>(Unary::tanh, x, &exact_tanh, std::is_same_v<T, float> ? 6 : 3, "tanh");
}

TYPED_TEST(LanesTest, SigmoidKeepsItsBound) {
  using T = TypeParam;
  RIFFLE_NEEDS_A_REFERENCE(T)
  const T low = std::is_same_v<T, float> ? T(-87.336) : T(-708);
  auto x = of_every_size<T>(
      64, [&](T v) { return v >= low; }, T(0));
  add_uniform(x, 1 << 17, low, 100);
  add_uniform(x, 1 << 17, -1, 1);
  add_uniform(x, 1 << 17, -20, 20);
  expect_within<T>(Unary::sigmoid, x, &exact_sigmoid, 3, "sigmoid");
}

// Below e^-87 and e^-708 results are denormal, or 0.
TYPED_TEST(LanesTest, ExpKeepsItsBound) {
  using T = TypeParam;
  RIFFLE_NEEDS_A_REFERENCE(T)
  const T low = std::is_same_v<T, float> ? T(-87) : T(-708);
  const T high = std::is_same_v<T, float> ? T(88.7228) : T(709.7827);
  auto x = of_every_size<T>(
      64, [&](T v) { return low <= v && v <= high; }, T(0));
  add_uniform(x, 1 << 17, low, high);
  add_uniform(x, 1 << 16, -1, 1);
  expect_within<T>(Unary::exp, x, &exact_exp, 1, "exp");
}

TYPED_TEST(LanesTest, ExpOfNonpositiveNumbersKeepsItsBound) {
  using T = TypeParam;
  RIFFLE_NEEDS_A_REFERENCE(T)
  const T low = std::is_same_v<T, float> ? T(-87.336) : T(-708);
  auto x = of_every_size<T>(
      64, [&](T v) { return low <= v && v <= 0; }, T(0));
  add_uniform(x, 1 << 17, low, 0);
  add_uniform(x, 1 << 16, -1, 0);
  expect_within<T>(Unary::exp_nonpositive, x, &exact_exp, std::is_same_v<T, float> ? 1.1 : 1,
                   "exp_nonpositive");
}

TYPED_TEST(LanesTest, ExpOfModerateNumbersKeepsItsBound) {
  using T = TypeParam;
  RIFFLE_NEEDS_A_REFERENCE(T)
  auto x = of_every_size<T>(
      64, [](T v) { return std::abs(v) <= 87; }, T(0));
  add_uniform(x, 1 << 17, -87, 87);
  add_uniform(x, 1 << 16, -1, 1);
  expect_within<T>(Unary::exp_moderate, x, &exact_exp, std::is_same_v<T, float> ? 1.1 : 1,
                   "exp_moderate");
}

TYPED_TEST(LanesTest, LogKeepsItsBound) {
  using T = TypeParam;
  RIFFLE_NEEDS_A_REFERENCE(T)
  auto x = of_every_size<T>(
      128,
      [](T v) { return v >= std::numeric_limits<T>::min() && v <= std::numeric_limits<T>::max(); },
      T(1));
  add_uniform(x, 1 << 17, 0.5, 2);
  add_uniform(x, 1 << 16, 0.99, 1.01);
  expect_within<T>(Unary::log, x, &exact_log, 3, "log");
}

// Denormal arguments go to Highway's logarithm, which states 4 ulp.
TYPED_TEST(LanesTest, LogOfDenormalNumbersKeepsItsBound) {
  using T = TypeParam;
  RIFFLE_NEEDS_A_REFERENCE(T)
  const auto x = of_every_size<T>(
      128, [](T v) { return v > 0 && v < std::numeric_limits<T>::min(); },
      std::numeric_limits<T>::denorm_min());
  expect_within<T>(Unary::log, x, &exact_log, 4, "log");
}

TYPED_TEST(LanesTest, Log1pKeepsItsBound) {
  using T = TypeParam;
  RIFFLE_NEEDS_A_REFERENCE(T)
  auto x = of_every_size<T>(
      128, [](T v) { return v >= 0 && v <= std::numeric_limits<T>::max(); }, T(0));
  add_uniform(x, 1 << 17, 0, 3);
  expect_within<T>(Unary::log1p, x, &exact_log1p, 3, "log1p");
}

// Its bound grows with the square of the argument.
TYPED_TEST(LanesTest, NormalCdfKeepsItsBound) {
  using T = TypeParam;
  RIFFLE_NEEDS_A_REFERENCE(T)
  const T reach = std::is_same_v<T, float> ? T(12.5) : T(36.5);
  auto x = of_every_size<T>(
      64, [&](T v) { return std::abs(v) < reach; }, T(0));
  add_uniform(x, 1 << 16, -reach, reach);
  add_uniform(x, 1 << 16, -3, 3);
  AlignedVector<T> y(x.size());
  for (const auto set : InstructionSet::available()) {
    kernels_for<T>(set).unary(Unary::normal_cdf, x.data(), y.data(), x.size());
    double worst = 0;
    T at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto a = static_cast<long double>(x[i]);
      const long double exact = 0.5L * std::erfc(-a / std::numbers::sqrt2_v<long double>);
      const long double size = a < 0 ? exact : 1.0L;
      const long double off = std::abs(static_cast<long double>(y[i]) - exact) /
                              (size * (8 + a * a) * std::numeric_limits<T>::epsilon());
      if (!(static_cast<double>(off) <= worst)) {
        worst = static_cast<double>(off);
        at = x[i];
      }
    }
    EXPECT_LE(worst, 1) << "at " << fmt::format("{:.17g}", at) << " on " << set.name();
  }
}

TYPED_TEST(LanesTest, SincosKeepsItsBound) {
  using T = TypeParam;
  RIFFLE_NEEDS_A_REFERENCE(T)
  constexpr double limit = 1 << 22;
  auto x = of_every_size<T>(
      64, [&](T v) { return std::abs(v) < limit; }, T(0));
  add_uniform(x, 1 << 17, -2, 2);
  add_uniform(x, 1 << 16, -300, 300);
  add_uniform(x, 1 << 16, -limit, limit);
  for (int quarter = -64; quarter <= 64; ++quarter) {
    const T exactly = static_cast<T>(quarter) / 2;
    x.push_back(exactly);
    x.push_back(std::nextafter(exactly, T(1e9)));
    x.push_back(std::nextafter(exactly, T(-1e9)));
  }
  x.resize((x.size() + whole - 1) / whole * whole, T(0));
  AlignedVector<T> sine(x.size());
  AlignedVector<T> cosine(x.size());
  for (const auto set : InstructionSet::available()) {
    kernels_for<T>(set).sincos(x.data(), sine.data(), cosine.data(), x.size());
    long double worst = 0;
    T at = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      // fmod is exact, so the angle is as good as its last product.
      const long double angle =
          std::fmod(static_cast<long double>(x[i]), 4.0L) * (std::numbers::pi_v<long double> / 2);
      const long double off =
          std::max(std::abs(static_cast<long double>(sine[i]) - std::sin(angle)),
                   std::abs(static_cast<long double>(cosine[i]) - std::cos(angle)));
      if (!(off <= worst)) {
        worst = off;
        at = x[i];
      }
    }
    // The scalar reference rounds π/2 and its product with up to two turns to T besides, which
    // moves the angle by up to 0.7 ε · π.
    const long double rounding =
        set == InstructionSet::scalar() ? 0.7L * std::numeric_limits<T>::epsilon() * 3.1416L : 0;
    EXPECT_LE(worst, (std::is_same_v<T, float> ? 2e-7L : 3e-16L) + rounding)
        << "at " << fmt::format("{:.17g}", at) << " on " << set.name();
  }
}

// Layers and targets give a status to what is not finite, so no function may turn it into an
// ordinary number.
TYPED_TEST(LanesTest, SpecialValuesAreThoseOfTheLibrary) {
  using T = TypeParam;
  struct Case {
    Unary which;
    std::string_view name;
    T x;
    T y;
  };
  const T inf = infinity<T>;
  const T nan = nan_of<T>;
  const Case cases[] = {
      {Unary::exp, "exp", T(0), T(1)},
      {Unary::exp, "exp", T(-0.0), T(1)},
      {Unary::exp, "exp", -inf, T(0)},
      {Unary::exp, "exp", T(-1e30), T(0)},
      {Unary::exp, "exp", inf, inf},
      {Unary::exp, "exp", T(1e30), inf},
      {Unary::exp, "exp", T(1000), inf},
      {Unary::exp, "exp", nan, nan},
      {Unary::exp_nonpositive, "exp_nonpositive", T(0), T(1)},
      {Unary::exp_nonpositive, "exp_nonpositive", -inf, T(0)},
      {Unary::exp_nonpositive, "exp_nonpositive", T(-1e30), T(0)},
      {Unary::exp_nonpositive, "exp_nonpositive", nan, nan},
      {Unary::exp_moderate, "exp_moderate", T(0), T(1)},
      {Unary::exp_moderate, "exp_moderate", nan, nan},
      {Unary::normal_cdf, "normal_cdf", -inf, T(0)},
      {Unary::normal_cdf, "normal_cdf", inf, T(1)},
      {Unary::normal_cdf, "normal_cdf", nan, nan},
      {Unary::log, "log", T(1), T(0)},
      {Unary::log, "log", T(0), -inf},
      {Unary::log, "log", inf, inf},
      {Unary::log, "log", T(-1), nan},
      {Unary::log, "log", -inf, nan},
      {Unary::log, "log", nan, nan},
      {Unary::log1p, "log1p", T(0), T(0)},
      {Unary::log1p, "log1p", T(-1), -inf},
      {Unary::log1p, "log1p", inf, inf},
      {Unary::log1p, "log1p", nan, nan},
      {Unary::tanh, "tanh", T(0), T(0)},
      {Unary::tanh, "tanh", inf, T(1)},
      {Unary::tanh, "tanh", -inf, T(-1)},
      {Unary::tanh, "tanh", T(1e30), T(1)},
      {Unary::tanh, "tanh", T(-1e30), T(-1)},
      {Unary::tanh, "tanh", nan, nan},
      {Unary::sigmoid, "sigmoid", T(0), T(0.5)},
      {Unary::sigmoid, "sigmoid", inf, T(1)},
      {Unary::sigmoid, "sigmoid", -inf, T(0)},
      {Unary::sigmoid, "sigmoid", T(1e30), T(1)},
      {Unary::sigmoid, "sigmoid", T(-1e30), T(0)},
      {Unary::sigmoid, "sigmoid", nan, nan},
      {Unary::sqrt, "sqrt", T(4), T(2)},
      {Unary::sqrt, "sqrt", T(-1), nan},
      {Unary::sqrt, "sqrt", inf, inf},
      {Unary::abs, "abs", T(-3), T(3)},
      {Unary::abs, "abs", -inf, inf},
      {Unary::negate, "-", T(3), T(-3)},
      {Unary::finite, "is_finite", T(1), T(1)},
      {Unary::finite, "is_finite", inf, T(0)},
      {Unary::finite, "is_finite", -inf, T(0)},
      {Unary::finite, "is_finite", nan, T(0)},
      {Unary::finite, "is_finite", std::numeric_limits<T>::max(), T(1)},
  };
  for (const auto set : InstructionSet::available()) {
    const auto probe = kernels_for<T>(set);
    for (const auto& c : cases) {
      // The special value in each lane in turn, ordinary ones beside it.
      for (std::size_t lane = 0; lane < probe.width(); ++lane) {
        AlignedVector<T> x(whole, T(1));
        AlignedVector<T> y(whole);
        x[lane] = c.x;
        probe.unary(c.which, x.data(), y.data(), probe.width());
        const bool same = std::isnan(c.y) ? std::isnan(y[lane]) : y[lane] == c.y;
        EXPECT_TRUE(same) << c.name << "(" << c.x << ") = " << y[lane] << " instead of " << c.y
                          << " on " << set.name();
        if (!same) break;
      }
    }
  }
}

TYPED_TEST(LanesTest, OneLaneNeverChangesAnother) {
  using T = TypeParam;
  const T specials[] = {infinity<T>, -infinity<T>, nan_of<T>, T(0),
                        T(1e30),     T(-1e30),     T(-1),     std::numeric_limits<T>::denorm_min()};
  for (const auto set : InstructionSet::available()) {
    const auto probe = kernels_for<T>(set);
    for (const auto which :
         {Unary::exp, Unary::log1p, Unary::tanh, Unary::sigmoid, Unary::log, Unary::normal_cdf}) {
      AlignedVector<T> plain(whole);
      for (std::size_t i = 0; i < whole; ++i) plain[i] = static_cast<T>(0.1 + 0.37 * double(i));
      AlignedVector<T> expected(whole);
      probe.unary(which, plain.data(), expected.data(), probe.width());
      for (const T special : specials) {
        AlignedVector<T> x = plain;
        AlignedVector<T> y(whole);
        x[0] = special;
        probe.unary(which, x.data(), y.data(), probe.width());
        for (std::size_t i = 1; i < probe.width(); ++i) {
          // The logarithm may go another way, a few ulp apart, but not further.
          EXPECT_NEAR(y[i], expected[i],
                      4 * std::numeric_limits<T>::epsilon() * std::abs(expected[i]))
              << "beside " << special << " on " << set.name();
        }
      }
    }
  }
}

TYPED_TEST(LanesTest, ArithmeticMeansWhatTheReferenceSays) {
  using T = TypeParam;
  Random random(13);
  AlignedVector<T> a(4096);
  AlignedVector<T> b(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<T>(random.normal());
    b[i] = i % 7 == 0 ? a[i] : static_cast<T>(random.normal());
  }
  AlignedVector<T> r(a.size());
  const T eps = std::numeric_limits<T>::epsilon();
  for (const auto set : InstructionSet::available()) {
    const auto probe = kernels_for<T>(set);
    Failures failures;
    const auto check = [&](Binary which, std::string_view name, auto exact, double ulps) {
      probe.binary(which, a.data(), b.data(), r.data(), a.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        const T e = exact(a[i], b[i]);
        if (!(std::abs(r[i] - e) <= T(ulps) * eps * (1 + std::abs(e)))) {
          failures.push_back(fmt::format("{}({}, {}) = {} instead of {} on {}", name, a[i], b[i],
                                         r[i], e, set.name()));
        }
      }
    };
    check(
        Binary::add, "+", [](T x, T y) { return x + y; }, 0);
    check(
        Binary::subtract, "-", [](T x, T y) { return x - y; }, 0);
    check(
        Binary::multiply, "*", [](T x, T y) { return x * y; }, 0);
    check(
        Binary::divide, "/", [](T x, T y) { return x / y; }, 0);
    check(
        Binary::min, "min", [](T x, T y) { return std::min(x, y); }, 0);
    check(
        Binary::max, "max", [](T x, T y) { return std::max(x, y); }, 0);
    check(
        Binary::copysign, "copysign", [](T x, T y) { return std::copysign(x, y); }, 0);
    check(
        Binary::less, "<", [](T x, T y) { return x < y ? T(1) : T(0); }, 0);
    check(
        Binary::less_equal, "<=", [](T x, T y) { return x <= y ? T(1) : T(0); }, 0);
    check(
        Binary::fma, "fma", [](T x, T y) { return std::fma(x, y, T(1)); }, 1);
    check(
        Binary::fnma, "fnma", [](T x, T y) { return std::fma(-x, y, T(1)); }, 1);
    EXPECT_TRUE(none(failures));
  }
}

TYPED_TEST(LanesTest, FourSumsAtOnceAreTheFourSums) {
  using T = TypeParam;
  Random random(13);
  for (const auto set : InstructionSet::available()) {
    const auto probe = kernels_for<T>(set);
    const std::size_t width = probe.width();
    ASSERT_LE(4 * width, whole);
    AlignedVector<T> x(whole, T(0));
    for (T& v : x) v = static_cast<T>(random.uniform(-1, 1));
    std::vector<T> p{T(7), T(1), T(2), T(3), T(4), T(8)};
    probe.add_sums_of(x.data(), p.data() + 1);
    EXPECT_EQ(p.front(), T(7)) << set.name();
    EXPECT_EQ(p.back(), T(8)) << set.name();
    for (std::size_t j = 0; j < 4; ++j) {
      AlignedVector<T> row(x.begin() + static_cast<std::ptrdiff_t>(j * width), x.end());
      EXPECT_EQ(p[1 + j], static_cast<T>(j + 1) + probe.sum_of(row.data())) << j << set.name();
    }
  }
}

TYPED_TEST(LanesTest, SumsAndMasksCoverTheLanes) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    const auto probe = kernels_for<T>(set);
    const std::size_t width = probe.width();
    ASSERT_LE(width, whole);
    AlignedVector<T> x(whole, T(0));
    T sum = 0;
    for (std::size_t i = 0; i < width; ++i) {
      x[i] = static_cast<T>(std::size_t{1} << i);
      sum += x[i];
    }
    EXPECT_EQ(probe.sum_of(x.data()), sum) << set.name();
    EXPECT_TRUE(probe.all_positive(x.data())) << set.name();
    for (std::size_t i = 0; i < width; ++i) {
      AlignedVector<T> hole = x;
      hole[i] = 0;
      EXPECT_FALSE(probe.all_positive(hole.data())) << i << " on " << set.name();
    }
    for (const std::size_t k :
         {std::size_t{0}, std::size_t{1}, width - 1, width, width + 1, tile_size}) {
      AlignedVector<T> ones(whole, T(9));
      probe.first(k, ones.data());
      for (std::size_t i = 0; i < width; ++i) {
        EXPECT_EQ(ones[i], i < k ? T(1) : T(0)) << k << " " << i << " on " << set.name();
      }
    }
  }
}

TYPED_TEST(LanesTest, TransposingExchangesLanesAndValues) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    const auto probe = kernels_for<T>(set);
    const std::size_t width = probe.width();
    AlignedVector<T> x(width * width);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i);
    probe.transpose(x.data());
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        EXPECT_EQ(x[i * width + j], static_cast<T>(j * width + i)) << set.name();
      }
    }
  }
}

TYPED_TEST(LanesTest, UnalignedValuesAreCopiedWhole) {
  using T = TypeParam;
  for (const auto set : InstructionSet::available()) {
    const auto probe = kernels_for<T>(set);
    AlignedVector<T> x(whole);
    for (std::size_t i = 0; i < whole; ++i) x[i] = static_cast<T>(i + 1);
    AlignedVector<T> y(whole, T(0));
    probe.copy_unaligned(x.data() + 3, y.data() + 1);
    for (std::size_t i = 0; i < whole; ++i) {
      const bool copied = i >= 1 && i < 1 + probe.width();
      EXPECT_EQ(y[i], copied ? x[i + 2] : T(0)) << i << " on " << set.name();
    }
  }
}

TYPED_TEST(LanesTest, KernelsKnowTheirInstructionSet) {
  for (const auto set : InstructionSet::available()) {
    EXPECT_EQ(kernels_for<TypeParam>(set).instruction_set(), set.bit) << set.name();
  }
}

TYPED_TEST(LanesTest, PhiloxIsTheScalarOneInEveryLane) {
  using T = TypeParam;
  Random random(14);
  for (const auto set : InstructionSet::available()) {
    const auto probe = kernels_for<T>(set);
    for (int round = 0; round < 200; ++round) {
      const RandomStream stream{random.bits(), static_cast<Purpose>(round % 6), random.bits() >> 8};
      // Tiles never wrap the sample word around.
      const auto first = static_cast<std::uint32_t>(random.bits() & 0xffffff80u);
      const auto dim = static_cast<std::uint32_t>(random.bits());
      std::vector<std::uint32_t> words(4 * whole);
      probe.philox(stream, first, dim, words.data());
      for (std::uint32_t i = 0; i < probe.width(); ++i) {
        const auto expected = Philox::block(stream.counter(first + i, dim), stream.key());
        for (std::size_t j = 0; j < 4; ++j) {
          ASSERT_EQ(words[4 * i + j], expected[j]) << "lane " << i << " on " << set.name();
        }
      }
    }
  }
}

TYPED_TEST(LanesTest, UniformsAreTheScalarOnesToTheBit) {
  using T = TypeParam;
  const RandomStream stream{99, Purpose::training, 3};
  const auto scalar = kernels_for<T>(InstructionSet::scalar());
  for (const auto set : InstructionSet::available()) {
    const auto probe = kernels_for<T>(set);
    for (std::uint32_t first = 0; first < 1 << 14; first += whole) {
      AlignedVector<T> unit(whole);
      AlignedVector<T> turns(whole);
      probe.uniforms(stream, first, 0, unit.data(), turns.data());
      for (std::uint32_t i = 0; i < probe.width(); ++i) {
        T expected_unit = 0;
        T expected_turns = 0;
        scalar.uniforms(stream, first + i, 0, &expected_unit, &expected_turns);
        ASSERT_EQ(unit[i], expected_unit) << set.name();
        ASSERT_EQ(turns[i], expected_turns) << set.name();
        ASSERT_GT(unit[i], T(0));
        ASSERT_LE(unit[i], T(1));
        ASSERT_GE(turns[i], T(-2));
        ASSERT_LE(turns[i], T(2));
      }
    }
  }
}

}  // namespace
}  // namespace riffle
