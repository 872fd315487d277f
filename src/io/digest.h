#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace riffle {

/// FNV-1a, 64 bits, of text that is given in parts: against accidents and careless edits, not
/// against forgers.
class Digest {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      hash_ ^= static_cast<unsigned char>(c);
      hash_ *= 0x100000001B3;
    }
  }
  /// Sixteen hexadecimal digits.
  std::string text() const;

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325;
};

/// The digits of one text.
std::string digest_of(std::string_view text);

}  // namespace riffle
