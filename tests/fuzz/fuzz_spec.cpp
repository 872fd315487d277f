#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "riffle/error.h"
#include "riffle/spec.h"

/// A spec is read or refused; one that is read can be printed and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  riffle::Spec spec;
  try {
    spec = riffle::parse_spec(text, "fuzz");
  } catch (const riffle::Error&) {
    return 0;
  }
  const auto printed = riffle::to_toml(spec);
  if (riffle::to_toml(riffle::parse_spec(printed, "printed")) != printed) std::abort();
  try {
    spec.validate();
  } catch (const riffle::Error&) {
  }
  return 0;
}
