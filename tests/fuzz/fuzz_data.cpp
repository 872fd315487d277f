#include <cstddef>
#include <cstdint>
#include <string>

#include "io/model_data.h"
#include "riffle/error.h"

/// Data of a model are taken or refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    riffle::check_json({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const riffle::Error&) {
  }
  return 0;
}
