#pragma once

#include <algorithm>

namespace riffle::test {

/// How often to repeat something: as often as written, or less where the build is slow (the build
/// sets RIFFLE_TEST_EFFORT, in percent).
constexpr int repetitions(int full) {
  return std::max(1, full * RIFFLE_TEST_EFFORT / 100);
}

/// Whether this build is slow.
constexpr bool hurried = RIFFLE_TEST_EFFORT < 100;

}  // namespace riffle::test
