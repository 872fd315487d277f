#include "flows/parts/compose.h"

namespace riffle {
namespace {

constexpr std::string_view variants[] = {"planar:2 + planar-free", "compose(planar) : 2",
                                         "iaf(hidden=3) + radial"};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return make_inner_flow<T>(options);
}

}  // namespace

const FlowEntry compose_entry{
    .name = "compose",
    .summary = "the layers in its parentheses as one; compose(a + b):4 repeats the whole 4 times",
    .cost = "that of its layers",
    .inversion = "as its layers do, in reverse order",
    .period = 0,
    .of_layers = true,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
