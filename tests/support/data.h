#pragma once

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace riffle::test {

/// A data set that is not kept with the source: below $RIFFLE_DATA, or shared/data beside the
/// checkout. Where it is missing, a test is to be skipped.
inline std::filesystem::path data_file(std::string_view name) {
  const char* const folder = std::getenv("RIFFLE_DATA");
  return (folder != nullptr ? std::filesystem::path(folder)
                            : std::filesystem::path(RIFFLE_SOURCE_DIR) / "../shared/data") /
         name;
}

}  // namespace riffle::test
