#include "bases/standard_normal.h"

#include "bases/base_kernels.h"

#define RIFFLE_MATHS "bases/standard_normal.inc"
#define RIFFLE_CLASS StandardNormal
#define RIFFLE_KERNELS BaseKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

template <class T>
class StandardNormalBase final : public Base<T> {
 public:
  StandardNormalBase(std::size_t dim, InstructionSet set)
      : Base<T>(dim), kernels_(kernels_for<T>(set)) {}

 private:
  void sample_impl(const RandomStream& stream, std::uint64_t first, Tile<T> z) const override {
    kernels_.sample(stream, first, z);
  }
  void log_density_impl(Tile<const T> z, T* log_density) const override {
    kernels_.log_density(z, log_density);
  }

  BaseKernels<T> kernels_;
};

template <class T>
std::unique_ptr<Base<T>> make(std::size_t dim, InstructionSet set) {
  return std::make_unique<StandardNormalBase<T>>(dim, set);
}

}  // namespace

const BaseEntry standard_normal_entry{"standard-normal", "N(0, I), fixed", &make<float>,
                                      &make<double>};

}  // namespace riffle
