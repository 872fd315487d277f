#pragma once

#include <cstddef>

namespace riffle {

/// n rounded up to whole lanes, of which the widest vector has 16, and so to whole cache lines.
constexpr std::size_t whole_lanes(std::size_t n) {
  return (n + 15) / 16 * 16;
}

}  // namespace riffle
