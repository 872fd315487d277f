#include <cstddef>
#include <cstdint>
#include <string_view>

#include "io/sealed_json.h"
#include "riffle/error.h"
#include "run/checkpoint_file.h"
#include "sealed_input.h"

/// Any bytes as a checkpoint file; where they are an object in JSON, with the right seal too, so
/// that what lies behind the seal is reached.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using riffle::test::scratch_file;
  const auto load = [] {
    try {
      riffle::load_checkpoint(scratch_file(), "spec");
    } catch (const riffle::Error&) {
    }
  };
  // Deeper nesting than any writer of ours makes would only find the end of the stack.
  int depth = 0;
  for (std::size_t i = 0; i < size; ++i) {
    depth += data[i] == '[' || data[i] == '{' ? 1 : data[i] == ']' || data[i] == '}' ? -1 : 0;
    if (depth > 100) return 0;
  }
  auto content = nlohmann::json::parse(data, data + size, nullptr, false);
  if (content.is_object()) {
    riffle::write_sealed(scratch_file(), "riffle-checkpoint-1", content);
    load();
  }
  riffle::test::write_scratch(data, size);
  load();
  return 0;
}
