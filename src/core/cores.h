#pragma once

#include <cstddef>

namespace riffle {

/// The cores that this process may run on; containers and taskset(1) leave it fewer than there are.
/// At least 1.
std::size_t usable_cores();

}  // namespace riffle
