#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace riffle {

/// Writes JSON that carries `format` and a digest of everything else in it.
void write_sealed(const std::filesystem::path& path, std::string_view format,
                  nlohmann::json content);

/// Reads what write_sealed wrote. Throws Error{data} where the file is truncated, edited, or of
/// another format, and as read_file does.
nlohmann::json read_sealed(const std::filesystem::path& path, std::string_view format);

}  // namespace riffle
