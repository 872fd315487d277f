#include <cmath>

#include "inference/optimizers/update.h"

namespace riffle {
namespace {

template <class T>
struct AdamConstants {
  T rate;
  T beta1;
  T beta2;
  T epsilon;
  T correction1;  ///< 1 - beta1^t
  T correction2;  ///< 1 - beta2^t
};

template <class T>
using AdamKernels = UpdateKernels<T, AdamConstants<T>>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "inference/optimizers/prelude.inc"
#define RIFFLE_MATHS "inference/optimizers/adam.inc"
#define RIFFLE_CLASS AdamMaths
#define RIFFLE_KERNELS AdamKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr Option options[] = {
    {"beta1", "0.9", "of the mean of gradients", Values::fraction()},
    {"beta2", "0.999", "of the mean of squares", Values::fraction()},
    {"epsilon", "1e-8", "added outside the root", Values::number_above(0)},
};

template <class T>
class Adam final : public Optimizer<T> {
 public:
  Adam(const Arguments& arguments, const OptimizerSetup& setup)
      : Optimizer<T>(setup),
        beta1_(arguments.number("beta1")),
        beta2_(arguments.number("beta2")),
        epsilon_(arguments.number("epsilon")),
        kernels_(kernels_for<T>(setup.set)) {}

 private:
  void update(double rate, const StepVectors<T>& vectors) override {
    const auto t = static_cast<double>(this->steps());
    kernels_.update(vectors, {T(rate), T(beta1_), T(beta2_), T(epsilon_),
                              T(1 - std::pow(beta1_, t)), T(1 - std::pow(beta2_, t))});
  }

  double beta1_, beta2_, epsilon_;
  AdamKernels<T> kernels_;
};

}  // namespace

const OptimizerEntry adam_entry =
    OptimizerEntry::of<Adam>("adam", "Adam (Kingma & Ba 2015)", options);

}  // namespace riffle
