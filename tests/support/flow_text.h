#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "flows/interface/flow_registry.h"

namespace riffle::test {

/// A registered layer as a user writes it, with the first of its variants.
inline std::string flow_text(const FlowEntry& entry) {
  return entry.variants.empty() ? std::string(entry.name)
                                : fmt::format("{}({})", entry.name, entry.variants.front());
}

/// Whether a flow has an inverse.
inline bool has_inverse(std::string_view flow, std::size_t dim) {
  return make_flow<double>(parse_flow(flow), {dim, 0, InstructionSet::best()})->has_inverse();
}

/// Every registered layer twice in a row, with one behind it that is never ill-conditioned; on
/// request those alone that have an inverse.
inline std::vector<std::string> every_flow(std::size_t dim, bool invertible = false) {
  std::vector<std::string> all;
  for (const auto& entry : flow_registry()) {
    if (dim < entry.least_dim) continue;
    auto text = fmt::format("{}:2 + affine", flow_text(entry));
    if (!invertible || has_inverse(text, dim)) all.push_back(std::move(text));
  }
  return all;
}

/// All registered layers, or all that have an inverse, in one flow: every kind of cache, and one
/// working space for all.
inline std::string every_layer(std::size_t dim, bool invertible = false) {
  std::string all;
  for (const auto& entry : flow_registry()) {
    if (dim < entry.least_dim) continue;
    const auto layer = flow_text(entry);
    if (invertible && !has_inverse(layer, dim)) continue;
    all += (all.empty() ? "" : " + ") + layer;
  }
  return all;
}

}  // namespace riffle::test
