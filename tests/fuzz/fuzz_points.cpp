#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "io/points.h"
#include "riffle/error.h"
#include "sealed_input.h"

/// Any bytes as a file of points: a table, or an array of NumPy.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  riffle::test::write_scratch(data, size);
  try {
    const auto points = riffle::read_points(riffle::test::scratch_file());
    if (points.dim == 0 || points.values.size() != points.count() * points.dim ||
        points.names.size() != points.dim) {
      std::abort();
    }
  } catch (const riffle::Error&) {
  }
  return 0;
}
