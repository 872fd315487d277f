#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "flows/chain.h"
#include "flows/flow_layer.h"

namespace riffle {

/// One line of the registry: everything the rest of the house needs to know of a layer.
struct FlowEntry {
  std::string_view name;
  std::string_view summary;
  std::string_view cost;       ///< arithmetic of one sample, in terms of the dimension D
  std::string_view inversion;  ///< how it inverts, or why it does not
  std::unique_ptr<FlowLayer<float>> (*make_float)(const LayerOptions&);
  std::unique_ptr<FlowLayer<double>> (*make_double)(const LayerOptions&);
  std::unique_ptr<FlowLayer<Dual>> (*make_dual)(const LayerOptions&);

  template <class T>
  std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) const {
    if constexpr (std::is_same_v<T, float>) {
      return make_float(options);
    } else if constexpr (std::is_same_v<T, double>) {
      return make_double(options);
    } else {
      return make_dual(options);
    }
  }
};

std::span<const FlowEntry> flow_registry();

/// `count` layers of one kind in a row.
struct LayerRun {
  std::string name;
  std::size_t count = 1;
};

/// Reads "NAME:COUNT", several joined by '+'; throws Error{usage} for anything else.
std::vector<LayerRun> parse_flow(std::string_view text);

/// The layers of `runs`, chained; throws Error{usage} for an unknown name.
template <class T>
std::unique_ptr<Chain<T>> make_flow(std::span<const LayerRun> runs, const LayerOptions& options);

}  // namespace riffle
