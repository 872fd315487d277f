#pragma once

#include <span>
#include <string>
#include <string_view>

namespace riffle {

/// Throws Error{data}, which begins with `target`, for names of values that tables and files of
/// initial values cannot have: empty ones, those that are there twice or belong to a column of
/// Riffle's own such as lp__, those that are not UTF-8, and those with a comma, a quotation mark, a
/// '#' or a control character. The parameters' names and those of generated quantities are told
/// apart in the message alone.
void check_value_names(std::span<const std::string> parameters,
                       std::span<const std::string> generated, std::string_view target);

/// What of `name` can be shown: bytes that are no character, or steer a terminal, as \\xHH.
std::string shown_name(std::string_view name);

}  // namespace riffle
