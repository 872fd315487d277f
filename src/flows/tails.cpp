#include "flows/tails.h"

#include "flows/interface/kernel_layer.h"

namespace riffle {
namespace {

struct TailsSettings {
  double from;
};

template <class T>
using TailsKernels = FlowKernels<T, TailsSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "flows/interface/prelude.inc"
#define RIFFLE_MATHS "flows/tails.inc"
#define RIFFLE_CLASS TailsRepeated
#define RIFFLE_KERNELS TailsKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr Option tails_options[] = {
    {"from", "5", "how far out it is the identity", Values::number_above(0)},
};
constexpr std::string_view variants[] = {"", "from=0.5", "from=1.25"};

template <class T>
class TailsLayer final : public KernelLayer<T, TailsSettings> {
 public:
  explicit TailsLayer(const LayerOptions& options)
      : KernelLayer<T, TailsSettings>(options.dim, {}, 0, {options.arguments.number("from")},
                                      kernels_for<T>(options.set)) {}

 private:
  bool injective_impl(const T*) const override { return true; }
  void initialise_impl(const RandomStream&, T*) const override {}
};

template <class T>
std::unique_ptr<FlowLayer<T>> make(const LayerOptions& options) {
  return std::make_unique<TailsLayer<T>>(options);
}

}  // namespace

const FlowEntry tails_entry{
    .name = "tails",
    .summary = "each coordinate as it is in the middle, and far out with a tail like a power",
    .cost = "O(D)",
    .inversion = "in closed form",
    .options = tails_options,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
