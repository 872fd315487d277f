#pragma once

#include <cstdint>
#include <string>

namespace riffle {

/// The value of an option that takes a whole number, 0 or more; throws Error{usage} naming it.
/// CLI11 would take -5 for 2^64 - 5.
std::uint64_t whole_number(const char* option, const std::string& text);

}  // namespace riffle
