#include "targets/many_well.h"

#include <cmath>
#include <numbers>

#include "targets/target_kernels.h"

namespace riffle {
namespace {

struct ManyWellSettings {};

template <class T>
using ManyWellKernels = TargetKernels<T, ManyWellSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/many_well.inc"
#define RIFFLE_CLASS ManyWell
#define RIFFLE_KERNELS ManyWellKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

template <class T>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  return std::make_unique<KernelDensity<T, ManyWellSettings>>(options.dim, ManyWellSettings{},
                                                              kernels_for<T>(options.set));
}

/// One pair's integral is that of the well times √(2π). The trapezoid rule converges faster than
/// any power of its step here; beyond |x| = 6 lies less than e^-1000.
std::optional<double> log_z(const TargetOptions& options) {
  constexpr int cells = 1200;
  constexpr double step = 0.01;
  double sum = 0;
  for (int i = -cells / 2; i <= cells / 2; ++i) {
    const double x = step * i;
    sum += std::exp(x * x * (6 - x * x) + 0.5 * x);
  }
  const double log_pair = std::log(step * sum) + 0.5 * std::log(2 * std::numbers::pi);
  return log_pair * (static_cast<double>(options.dim) / 2);
}

}  // namespace

const TargetEntry many_well_entry{
    .name = "many-well",
    .summary = "a double well in every other coordinate: 2^(D/2) modes (Midgley et al. 2023)",
    .default_dim = 32,
    .any_dim = true,
    .improper = false,
    .options = {},
    .log_z = &log_z,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
    .posterior = true,
    .dims = {.least = 2, .step = 2},
};

}  // namespace riffle
