#pragma once

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "io/files.h"
#include "riffle/choices.h"
#include "riffle/error.h"

// What the summaries of runs have in common. A figure that is unknown or not finite is null.

namespace riffle {

inline nlohmann::ordered_json number(double x) {
  return std::isfinite(x) ? nlohmann::ordered_json(x) : nlohmann::ordered_json(nullptr);
}

inline nlohmann::ordered_json number(const std::optional<double>& x) {
  return x ? number(*x) : nlohmann::ordered_json(nullptr);
}

/// NaN where it is null.
inline double number_of(const nlohmann::ordered_json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

inline Error not_a_summary(const std::filesystem::path& path, const std::exception& damage) {
  return {ErrorKind::data,
          fmt::format("{} is not the summary of a run: {}", path.string(), damage.what())};
}

/// What `take` makes of the summary in a file. Throws Error{data} for a file that is none, and as
/// read_file does.
template <class Take>
auto taken_from(const std::filesystem::path& path, Take&& take) {
  const auto text = read_file(path);
  try {
    return take(nlohmann::ordered_json::parse(text));
  } catch (const std::exception& damage) {
    throw not_a_summary(path, damage);
  }
}

inline std::string text_of(const nlohmann::ordered_json& json) {
  // What a library says need not be UTF-8.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace riffle
