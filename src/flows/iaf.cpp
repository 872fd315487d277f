#include "flows/iaf.h"

#include "flows/interface/flow_kernels.h"
#include "flows/parts/autoregressive.h"
#include "flows/parts/conditioned_layer.h"
#include "flows/transformers/settings.h"

namespace riffle {
namespace {

using Settings = AutoregressiveSettings<AffineSettings>;

template <class T>
using Kernels = AutoregressiveKernels<T, Settings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/iaf.inc"
#define RIFFLE_CLASS Iaf
#define RIFFLE_KERNELS Kernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::string_view variants[] = {
    "hidden=5",
    "hidden=4x4, activation=relu, residual=yes, bound=1",
    "hidden=none",
};

}  // namespace

template <class T>
std::unique_ptr<FlowLayer<T>> make_iaf(const LayerOptions& options) {
  return std::make_unique<ConditionedLayer<T, Settings, Kernels<T>>>(options, Settings(options),
                                                                     kernels_for<T>(options.set));
}

template std::unique_ptr<FlowLayer<float>> make_iaf(const LayerOptions&);
template std::unique_ptr<FlowLayer<double>> make_iaf(const LayerOptions&);
template std::unique_ptr<FlowLayer<Dual>> make_iaf(const LayerOptions&);

const FlowEntry iaf_entry{
    .name = "iaf",
    .summary =
        "each coordinate is scaled and moved by a net of those before it (Kingma et al. 2016)",
    .cost = "one pass of the net",
    .inversion = "in closed form, coordinate by coordinate, in one pass of the net altogether",
    .options = conditioned_options<AffineSettings>,
    .period = 2,
    .variants = variants,
    .make_float = &make_iaf<float>,
    .make_double = &make_iaf<double>,
    .make_dual = &make_iaf<Dual>,
};

}  // namespace riffle
