#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace riffle::test {

/// A file of this process's own.
inline std::filesystem::path scratch_file() {
  static const auto path =
      std::filesystem::temp_directory_path() / ("riffle-fuzz-" + std::to_string(::getpid()));
  return path;
}

inline void write_scratch(const std::uint8_t* data, std::size_t size) {
  std::ofstream file(scratch_file(), std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
}

}  // namespace riffle::test
