#include "bases/standard_normal.h"

#include "bases/base_kernels.h"

namespace riffle {
namespace {

template <class T>
using StandardNormalKernels = BaseKernels<T, NoSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "bases/standard_normal.inc"
#define RIFFLE_CLASS StandardNormal
#define RIFFLE_KERNELS StandardNormalKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

template <class T>
class StandardNormalBase final : public Base<T> {
 public:
  explicit StandardNormalBase(const BaseOptions& options)
      : Base<T>(options.dim), kernels_(kernels_for<T>(options.set)) {}

  bool is_standard_normal() const override { return true; }

 private:
  void sample_impl(const T* params, const RandomStream& stream, std::uint64_t first, Tile<T> z,
                   T* cache) const override {
    kernels_.sample({}, params, stream, first, z, cache);
  }
  void log_density_impl(const T* params, Tile<const T> z, T* log_density) const override {
    kernels_.log_density({}, params, z, log_density);
  }
  void log_density_vjp_impl(const T* params, Tile<const T> z, const T* weight, Tile<T> g,
                            T* grad) const override {
    kernels_.log_density_vjp({}, params, z, weight, g, grad);
  }

  StandardNormalKernels<T> kernels_;
};

template <class T>
std::unique_ptr<Base<T>> make(const BaseOptions& options) {
  return std::make_unique<StandardNormalBase<T>>(options);
}

}  // namespace

const BaseEntry standard_normal_entry{
    .name = "standard-normal",
    .summary = "N(0, I), fixed",
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
