#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "io/cmdstan.h"
#include "riffle/error.h"

/// Initial values are refused, or read: then they are finite, and read back when written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::string> names{"mu",    "a.1",   "a.2", "m.1.1",  "m.2.1",
                                       "m.1.2", "m.2.2", "t:1", "z.real", "z.imag"};
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const auto values = riffle::read_inits(text, "fuzz", names, names.size(), {});
    std::vector<double> all;
    for (const auto& value : values) {
      if (value && !std::isfinite(*value)) std::abort();
      all.push_back(value.value_or(0));
    }
    const auto written = riffle::inits_json(names, names.size(), all);
    const auto again = riffle::read_inits(written, "written", names, names.size(), {});
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (again[i] != all[i]) std::abort();
    }
  } catch (const riffle::Error&) {
  }
  return 0;
}
