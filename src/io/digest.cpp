#include "io/digest.h"

#include <fmt/format.h>

namespace riffle {

std::string Digest::text() const {
  return fmt::format("{:016x}", hash_);
}

std::string digest_of(std::string_view text) {
  Digest digest;
  digest.add(text);
  return digest.text();
}

}  // namespace riffle
