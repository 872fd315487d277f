#include "flows/additive_coupling.h"

#include "flows/interface/flow_kernels.h"
#include "flows/parts/conditioned_layer.h"
#include "flows/parts/coupling.h"
#include "flows/transformers/settings.h"

namespace riffle {
namespace {

using Settings = CouplingSettings<AdditiveSettings>;

template <class T>
using Kernels = FlowKernels<T, Settings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/additive_coupling.inc"
#define RIFFLE_CLASS AdditiveCoupling
#define RIFFLE_KERNELS Kernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::string_view variants[] = {
    "hidden=5",
    "hidden=4x4, activation=relu, residual=yes",
    "hidden=none",
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<ConditionedLayer<T, Settings>>(options, Settings(options),
                                                         kernels_for<T>(options.set));
}

}  // namespace

const FlowEntry additive_coupling_entry{
    .name = "additive-coupling",
    .summary = "one half moves by a net of the other; volume-preserving (NICE, Dinh et al. 2014)",
    .cost = "one pass of the net",
    .inversion = "in closed form, at the cost of forward",
    .options = conditioned_options<AdditiveSettings>,
    .least_dim = 2,
    .period = 2,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
