#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/expression.h"
#include "flows/interface/chain.h"
#include "flows/interface/flow_layer.h"

namespace riffle {

/// One line of the registry: everything the rest of the house needs to know of a layer.
struct FlowEntry {
  std::string_view name;
  std::string_view summary;
  std::string_view cost;       ///< arithmetic of one sample, in terms of the dimension D
  std::string_view inversion;  ///< how it inverts, or why it does not
  std::span<const Option> options{};
  std::size_t least_dim = 1;
  /// Layers of a run whose places differ by a multiple of this are the same map, but for their
  /// parameters: 1 where all are, 2 where even and odd ones differ; 0 where no two are.
  std::size_t period = 1;
  bool log_det_floor = false;  ///< whether LayerOptions::log_det_floor has a meaning for it
  bool of_layers = false;      ///< whether it is made of the layers in its parentheses
  /// What stands in the parentheses in tests, which go through all of them: together they reach
  /// every branch, with nets that are small.
  std::span<const std::string_view> variants{};
  std::unique_ptr<FlowLayer<float>> (*make_float)(const LayerOptions&) = nullptr;
  std::unique_ptr<FlowLayer<double>> (*make_double)(const LayerOptions&) = nullptr;
  std::unique_ptr<FlowLayer<Dual>> (*make_dual)(const LayerOptions&) = nullptr;

  template <class T>
  std::unique_ptr<FlowLayer<T>> make(const LayerOptions& chosen) const {
    if constexpr (std::is_same_v<T, float>) {
      return make_float(chosen);
    } else if constexpr (std::is_same_v<T, double>) {
      return make_double(chosen);
    } else {
      return make_dual(chosen);
    }
  }
};

std::span<const FlowEntry> flow_registry();

/// Reads a flow, such as "actnorm + affine-coupling(hidden=64x64):8"; throws Error{usage} for what
/// cannot be read and for unknown names.
std::vector<Expression> parse_flow(std::string_view text);

/// Whether every layer gives `log_det_floor` a meaning.
bool takes_log_det_floor(std::span<const Expression> flow);

/// The layers of a flow, chained. `common` holds what is the same for all: dimension, floor and
/// instruction set. Throws Error{usage} for unknown names and arguments.
template <class T>
std::unique_ptr<Chain<T>> make_flow(std::span<const Expression> flow, const LayerOptions& common);
/// The layers in the parentheses of one that is made of layers, whose places start from its own.
template <class T>
std::unique_ptr<Chain<T>> make_inner_flow(const LayerOptions& options);

}  // namespace riffle
