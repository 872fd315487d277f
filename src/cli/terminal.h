#pragma once

#include <cstddef>
#include <optional>

namespace riffle {

/// How wide the terminal behind a file descriptor is; nothing where it is none, or does not know.
std::optional<std::size_t> terminal_columns(int descriptor);

}  // namespace riffle
