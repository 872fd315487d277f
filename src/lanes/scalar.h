#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <type_traits>

#include "core/instruction_set.h"
#include "core/philox.h"
#include "lanes/dual.h"

// In front of loops over few numbers that must stay in registers.
#if defined(__clang__)
#define RIFFLE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define RIFFLE_UNROLL _Pragma("GCC unroll 32")
#endif

namespace riffle {

template <class T>
requires std::is_floating_point_v<T> T normal_cdf(T a) {
  return T(0.5) * std::erfc(-a / std::numbers::sqrt2_v<T>);
}

/// The lane policy of one lane, over float, double or Dual: the reference that every SIMD variant
/// is tested against, with the elementary functions of the C++ library. lanes/simd.inc has the same
/// members over vectors; what each function means is stated here.
template <class T>
struct One {
  using Scalar = T;
  using Mask = bool;
  T v;

  /// Number of samples in one value.
  static constexpr std::size_t width() { return 1; }
  /// The instruction set that it is compiled for.
  static constexpr InstructionSet instruction_set() { return InstructionSet::scalar(); }
  /// How many values the processor's registers hold: a hint for the size of blocks.
  static constexpr std::size_t registers() { return 16; }
  /// The `width()` consecutive elements at p.
  static One load(const T* p) { return {*p}; }
  /// The same number in every lane.
  static One set(T x) { return {x}; }
  void store(T* p) const { *p = v; }
  /// The same where p need not be aligned.
  static One load_unaligned(const T* p) { return {*p}; }
  void store_unaligned(T* p) const { *p = v; }

  friend One operator-(One a) { return {-a.v}; }
  friend One operator+(One a, One b) { return {a.v + b.v}; }
  friend One operator-(One a, One b) { return {a.v - b.v}; }
  friend One operator*(One a, One b) { return {a.v * b.v}; }
  friend One operator/(One a, One b) { return {a.v / b.v}; }
  friend Mask operator<(One a, One b) { return a.v < b.v; }
  friend Mask operator<=(One a, One b) { return a.v <= b.v; }

  /// a·b + c, rounded once where the instruction set can.
  friend One fma(One a, One b, One c) { return {a.v * b.v + c.v}; }
  /// c - a·b.
  friend One fnma(One a, One b, One c) { return {c.v - a.v * b.v}; }
  friend One abs(One a) {
    using std::abs;
    return {abs(a.v)};
  }
  friend One sqrt(One a) {
    using std::sqrt;
    return {sqrt(a.v)};
  }
  /// The Philox block of (sample, dim) in each lane, for `width()` consecutive samples.
  struct Words {
    std::uint32_t w0, w1, w2, w3;
  };
  static Words philox(const RandomStream& stream, std::uint32_t sample, std::uint32_t dim) {
    const auto w = Philox::block(stream.counter(sample, dim), stream.key());
    return {w[0], w[1], w[2], w[3]};
  }
  /// Uniform on (0, 1]: in float from word a (b unused); otherwise from words a (high) and b (low).
  static One unit(std::uint32_t a, std::uint32_t b) {
    if constexpr (std::is_same_v<T, float>) {
      return {static_cast<float>(a >> 1) * 0x1p-31F + 0x1p-32F};
    } else {
      return {T((static_cast<double>(top52(a, b)) + 0.5) * 0x1p-52)};
    }
  }
  /// Uniform on [-2, 2], from the same words: an angle in quarter turns.
  static One quarter_turns(std::uint32_t a, std::uint32_t b) {
    if constexpr (std::is_same_v<T, float>) {
      return {static_cast<float>(static_cast<std::int32_t>(a)) * 0x1p-30F};
    } else {
      return {T(static_cast<double>(top52(a, b)) * 0x1p-50 - 2)};
    }
  }

  friend One exp(One a) {
    using std::exp;
    return {exp(a.v)};
  }
  /// eᵃ for a <= 0, where alone it is called.
  friend One exp_nonpositive(One a) { return exp(a); }
  /// eᵃ for |a| <= 87, where alone it is called.
  friend One exp_moderate(One a) { return exp(a); }
  friend One log(One a) {
    using std::log;
    return {log(a.v)};
  }
  friend One log1p(One a) {
    using std::log1p;
    return {log1p(a.v)};
  }
  friend One tanh(One a) {
    using std::tanh;
    return {tanh(a.v)};
  }
  /// 1/(1 + e⁻ᵃ).
  friend One sigmoid(One a) {
    using std::abs;
    using std::exp;
    const T e = exp(-abs(a.v));
    return {(a.v < T(0) ? e : T(1)) / (T(1) + e)};
  }
  /// Φ(a), the distribution function of N(0, 1), with relative accuracy in the lower tail.
  friend One normal_cdf(One a) { return {riffle::normal_cdf(a.v)}; }
  /// sin(π/2·a) and cos(π/2·a): the argument counts quarter turns and is reduced exactly.
  friend void sincos_quarter_turns(One a, One& s, One& c) {
    using std::cos;
    using std::floor;
    using std::sin;
    const T turns = a.v - T(4) * floor(a.v * T(0.25) + T(0.5));
    const T angle = turns * T(std::numbers::pi / 2);
    s = {sin(angle)};
    c = {cos(angle)};
  }
  friend One min(One a, One b) { return b.v < a.v ? b : a; }
  friend One max(One a, One b) { return a.v < b.v ? b : a; }
  /// a with the sign of b (b must not be a zero whose sign matters).
  friend One copysign(One a, One b) {
    const One m = abs(a);
    return b.v < T(0) ? -m : m;
  }
  /// m ? a : b, lane by lane.
  friend One select(Mask m, One a, One b) { return m ? a : b; }
  friend Mask is_finite(One a) {
    using std::isfinite;
    return isfinite(a.v);
  }
  /// The lanes in which both masks hold.
  static Mask both(Mask a, Mask b) { return a && b; }
  /// Whether a mask holds in every lane.
  friend bool all_true(One, Mask m) { return m; }
  /// Sum over the lanes.
  friend T sum(One a) { return a.v; }
  /// Adds `sum` of four values to p[0], ..., p[3], which need not be aligned.
  friend void add_sums(One a, One b, One c, One d, T* p) {
    p[0] += a.v;
    p[1] += b.v;
    p[2] += c.v;
    p[3] += d.v;
  }
  /// The lanes with index below n.
  static Mask first(std::size_t n) { return n > 0; }
  /// Exchanges lane j of x[i] and lane i of x[j], for `width()` values.
  static void transpose(One*) {}

 private:
  static std::uint64_t top52(std::uint32_t a, std::uint32_t b) {
    return ((std::uint64_t{a} << 32) | b) >> 12;
  }
};

}  // namespace riffle
