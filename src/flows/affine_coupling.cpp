#include "flows/affine_coupling.h"

#include "flows/interface/flow_kernels.h"
#include "flows/parts/conditioned_layer.h"
#include "flows/parts/coupling.h"
#include "flows/transformers/settings.h"

namespace riffle {
namespace {

using Settings = CouplingSettings<AffineSettings>;

template <class T>
using Kernels = FlowKernels<T, Settings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/affine_coupling.inc"
#define RIFFLE_CLASS AffineCoupling
#define RIFFLE_KERNELS Kernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::string_view variants[] = {
    "hidden=5",
    "hidden=4x4, activation=relu, residual=yes, bound=1",
    "hidden=none",
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<ConditionedLayer<T, Settings>>(options, Settings(options),
                                                         kernels_for<T>(options.set));
}

}  // namespace

const FlowEntry affine_coupling_entry{
    .name = "affine-coupling",
    .summary = "one half is scaled and moved by a net of the other (RealNVP, Dinh et al. 2016)",
    .cost = "one pass of the net",
    .inversion = "in closed form, at the cost of forward",
    .options = conditioned_options<AffineSettings>,
    .least_dim = 2,
    .period = 2,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
