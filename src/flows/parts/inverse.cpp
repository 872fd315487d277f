#include "flows/parts/inverse.h"

#include <fmt/format.h>

#include "flows/interface/inverse_layer.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::string_view variants[] = {"planar", "inverse(planar)", "iaf(hidden=3)"};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  auto layer = make_inner_flow<T>(options);
  if (!layer->has_inverse()) {
    throw Error(ErrorKind::usage,
                fmt::format("there is no inverse(...) of it: {}", layer->no_inverse_reason()));
  }
  return std::make_unique<InverseLayer<T>>(std::move(layer));
}

}  // namespace

const FlowEntry inverse_entry{
    .name = "inverse",
    .summary = "the inverse of what is in its parentheses; inverse(iaf) is maf",
    .cost = "that of the other direction",
    .inversion = "by the forward map of its layers",
    .period = 0,
    .of_layers = true,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
