#include "flows/maf.h"

#include <memory>

#include "flows/iaf.h"
#include "flows/interface/inverse_layer.h"
#include "flows/parts/conditioner.h"
#include "flows/transformers/settings.h"

namespace riffle {
namespace {

constexpr std::string_view variants[] = {
    "hidden=5",
    "hidden=4x4, activation=relu, residual=yes, bound=1",
    "hidden=none",
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<InverseLayer<T>>(make_iaf<T>(options));
}

}  // namespace

const FlowEntry maf_entry{
    .name = "maf",
    .summary =
        "each coordinate is scaled and moved by a net of the results before it "
        "(Papamakarios et al. 2017)",
    .cost = "one pass of the net, coordinate by coordinate",
    .inversion = "in closed form, by one pass of the net",
    .options = conditioned_options<AffineSettings>,
    .period = 0,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
