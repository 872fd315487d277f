#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>

namespace riffle::test {

/// Test inputs. They come from the standard library's engine and not from Philox, which is itself
/// under test; the distributions are written out because the library's differ between platforms.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_() >> 11) * 0x1p-53);
  }
  double normal() {
    return std::sqrt(-2 * std::log(uniform(0, 1) + 0x1p-54)) *
           std::cos(2 * std::numbers::pi * uniform(0, 1));
  }
  double sign() { return uniform(0, 1) < 0.5 ? -1 : 1; }
  std::uint64_t bits() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace riffle::test
