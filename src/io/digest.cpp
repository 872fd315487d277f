#include "io/digest.h"

#include <fmt/format.h>

namespace riffle {

std::string Digest::text() const {
  return fmt::format("{:016x}", hash_);
}

}  // namespace riffle
