// A brief run of the fuzzer of points and settings through the C interface, on changed copies of
// inputs that are valid.

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>

#include "support/effort.h"
#include "support/random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::string seed_input(std::size_t dim, std::size_t n, const std::string& names,
                       const std::string& toml) {
  std::string text{static_cast<char>(dim), static_cast<char>(n),
                   static_cast<char>(dim == 0 ? 0 : names.size() / dim)};
  for (std::size_t i = 0; i < n * dim; ++i) {
    text += static_cast<char>(128 + 40 * std::sin(static_cast<double>(i * i)));
  }
  return text + names + toml;
}

TEST(FuzzC, ChangedInputsAreLearnedOrRefused) {
  const std::array seeds{
      seed_input(2, 30, "ab", "[flow]\nlayers = \"affine-full\"\n"),
      seed_input(1, 39, "", "[flow]\nlayers = \"rqs:2\"\n[objective]\nholdout = 0.5\n"),
      seed_input(3, 20, "x\xC3\xA4yy.z", "[base]\nname = \"student-t\"\n"),
      seed_input(4, 12, "", "dim = 4\nmean = 0.5\n"),
      seed_input(0, 0, "", ""),
  };
  static constexpr std::array<std::string_view, 10> tokens{
      "nan", "1e999", "[target]\n", "\"", "=", "\xC3\x28", "-1", "samples = \"x\"\n", "\n", "\0"};
  riffle::test::Random random(1);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random.bits() % n); };
  for (int i = 0; i < riffle::test::repetitions(400); ++i) {
    auto text = seeds[static_cast<std::size_t>(i) % seeds.size()];
    for (std::size_t k = i < 5 ? 0 : 1 + below(3); k > 0; --k) {
      const auto at = below(text.size() + 1);
      switch (below(4)) {
        case 0:
          if (at < text.size()) text[at] = static_cast<char>(random.bits());
          break;
        case 1:
          text.insert(at, tokens[below(tokens.size())]);
          break;
        case 2:
          text.erase(at, below(8));
          break;
        default:
          text.resize(at);
      }
    }
    EXPECT_EQ(
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), 0);
  }
}

}  // namespace
