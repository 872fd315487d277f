#pragma once

#include <string_view>

namespace riffle {

/// Such as "0.1.0".
std::string_view version();

}  // namespace riffle
