#pragma once

#include <fmt/format.h>

#include <string>

#include "flows/flow_registry.h"

namespace riffle::test {

/// A registered layer as a user writes it, with the first of its variants.
inline std::string flow_text(const FlowEntry& entry) {
  return entry.variants.empty() ? std::string(entry.name)
                                : fmt::format("{}({})", entry.name, entry.variants.front());
}

}  // namespace riffle::test
