#include "inference/optimizers/update.h"

namespace riffle {
namespace {

template <class T>
struct RmspropConstants {
  T rate;
  T smoothing;
  T momentum;
  T epsilon;
  bool centered;
};

template <class T>
using RmspropKernels = UpdateKernels<T, RmspropConstants<T>>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "inference/optimizers/prelude.inc"
#define RIFFLE_MATHS "inference/optimizers/rmsprop.inc"
#define RIFFLE_CLASS RmspropMaths
#define RIFFLE_KERNELS RmspropKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr Option options[] = {
    {"smoothing", "0.99", "of the mean of squares", Values::fraction()},
    {"momentum", "0", "share of a step that the next one keeps", Values::fraction()},
    {"centered", "no", "by the variance instead of the second moment", Values::flag()},
    {"epsilon", "1e-8", "added outside the root", Values::number_above(0)},
};

template <class T>
class Rmsprop final : public Optimizer<T> {
 public:
  Rmsprop(const Arguments& arguments, const OptimizerSetup& setup)
      : Optimizer<T>(setup),
        constants_{T(0), T(arguments.number("smoothing")), T(arguments.number("momentum")),
                   T(arguments.number("epsilon")), arguments.flag("centered")},
        kernels_(kernels_for<T>(setup.set)) {}

 private:
  void update(double rate, const StepVectors<T>& vectors) override {
    constants_.rate = T(rate);
    kernels_.update(vectors, constants_);
  }

  RmspropConstants<T> constants_;
  RmspropKernels<T> kernels_;
};

}  // namespace

const OptimizerEntry rmsprop_entry = OptimizerEntry::of<Rmsprop>(
    "rmsprop", "RMSprop with PyTorch's semantics; momentum and centring as options", options);

}  // namespace riffle
