#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "io/csv.h"
#include "riffle/error.h"
#include "sealed_input.h"

/// Any bytes as a table.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  riffle::test::write_scratch(data, size);
  try {
    const auto table = riffle::read_csv(riffle::test::scratch_file());
    if (table.values.size() != table.rows() * table.header.size()) std::abort();
  } catch (const riffle::Error&) {
  }
  return 0;
}
