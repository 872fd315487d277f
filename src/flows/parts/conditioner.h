#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "core/expression.h"
#include "nets/mlp.h"

namespace riffle {

/// What users choose of the net that gives a transformer its numbers.
struct Conditioner {
  static constexpr std::array options{
      Option{"hidden", "64x64", "widths of the net's hidden layers", Values::widths()},
      Option{"activation", "tanh", "of the hidden layers", Values::one_of(activation_names)},
      Option{"residual", "no", "whether a hidden layer adds to one of equal width before it",
             Values::flag()},
  };
  std::vector<std::size_t> hidden;
  Activation activation;
  bool residual;

  explicit Conditioner(const Arguments& arguments)
      : hidden(arguments.widths("hidden")),
        activation(static_cast<Activation>(arguments.word("activation"))),
        residual(arguments.flag("residual")) {}
};

/// The options of a layer: those of its net, then those of its transformer.
template <class Transformer>
inline constexpr auto conditioned_options = [] {
  constexpr std::size_t first = Conditioner::options.size();
  std::array<Option, first + Transformer::options.size()> all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = i < first ? Conditioner::options[i] : Transformer::options[i - first];
  }
  return all;
}();

}  // namespace riffle
