#include "inference/optimizers/update.h"

namespace riffle {
namespace {

template <class T>
struct SgdConstants {
  T rate;
  T momentum;
};

template <class T>
using SgdKernels = UpdateKernels<T, SgdConstants<T>>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "inference/optimizers/prelude.inc"
#define RIFFLE_MATHS "inference/optimizers/sgd.inc"
#define RIFFLE_CLASS SgdMaths
#define RIFFLE_KERNELS SgdKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr Option options[] = {
    {"momentum", "0", "share of a step that the next one keeps", Values::fraction()},
};

template <class T>
class Sgd final : public Optimizer<T> {
 public:
  Sgd(const Arguments& arguments, const OptimizerSetup& setup)
      : Optimizer<T>(setup),
        momentum_(arguments.number("momentum")),
        kernels_(kernels_for<T>(setup.set)) {}

 private:
  void update(double rate, const StepVectors<T>& vectors) override {
    kernels_.update(vectors, {T(rate), T(momentum_)});
  }

  double momentum_;
  SgdKernels<T> kernels_;
};

}  // namespace

const OptimizerEntry sgd_entry =
    OptimizerEntry::of<Sgd>("sgd", "gradient descent with momentum", options);

}  // namespace riffle
