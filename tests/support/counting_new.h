#pragma once

#include <cstdint>

namespace riffle::test {

/// Calls of the global operator new, of any form and on any thread, since the program started:
/// this executable replaces them by ones that count. Under Clang's thread sanitizer of malloc too.
std::uint64_t allocations();

}  // namespace riffle::test
