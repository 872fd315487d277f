#include "flows/rqs_autoregressive.h"

#include "flows/interface/flow_kernels.h"
#include "flows/parts/autoregressive.h"
#include "flows/parts/conditioned_layer.h"
#include "flows/transformers/settings.h"

namespace riffle {
namespace {

using Settings = AutoregressiveSettings<RqsSettings>;

template <class T>
using Kernels = AutoregressiveKernels<T, Settings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/rqs_autoregressive.inc"
#define RIFFLE_CLASS RqsAutoregressive
#define RIFFLE_KERNELS Kernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::string_view variants[] = {
    "bins=3, bound=1.5, hidden=4",
    "bins=2, hidden=none",
    "hidden=3, activation=silu, bins=4, bound=3, least-bin=0.05, least-slope=0.2",
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<ConditionedLayer<T, Settings, Kernels<T>>>(options, Settings(options),
                                                                     kernels_for<T>(options.set));
}

}  // namespace

const FlowEntry rqs_autoregressive_entry{
    .name = "rqs-autoregressive",
    .summary =
        "each coordinate goes through a spline that a net of those before it gives (Durkan et al. "
        "2019)",
    .cost = "one pass of the net",
    .inversion = "in closed form, coordinate by coordinate, in one pass of the net altogether",
    .options = conditioned_options<RqsSettings>,
    .period = 2,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
