#include "flows/rqs_coupling.h"

#include "flows/interface/flow_kernels.h"
#include "flows/parts/conditioned_layer.h"
#include "flows/parts/coupling.h"
#include "flows/transformers/settings.h"

namespace riffle {
namespace {

using Settings = CouplingSettings<RqsSettings>;

template <class T>
using Kernels = FlowKernels<T, Settings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/rqs_coupling.inc"
#define RIFFLE_CLASS RqsCoupling
#define RIFFLE_KERNELS Kernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::string_view variants[] = {
    "bins=3, bound=1.5, hidden=4",
    "bins=2, hidden=none",
    "hidden=3, activation=silu, bins=5, bound=3, least-bin=0.05, least-slope=0.2",
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<ConditionedLayer<T, Settings>>(options, Settings(options),
                                                         kernels_for<T>(options.set));
}

}  // namespace

const FlowEntry rqs_coupling_entry{
    .name = "rqs-coupling",
    .summary = "one half goes through splines that a net of the other gives (Durkan et al. 2019)",
    .cost = "one pass of the net",
    .inversion = "in closed form, at the cost of forward",
    .options = conditioned_options<RqsSettings>,
    .least_dim = 2,
    .period = 2,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
