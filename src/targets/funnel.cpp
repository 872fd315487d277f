#include "targets/funnel.h"

#include <array>
#include <cmath>
#include <numbers>

#include "targets/target_kernels.h"

namespace riffle {
namespace {

struct FunnelSettings {
  double sd;        ///< of z0
  double constant;  ///< -ln σ - ½ D ln 2π
};

template <class T>
using FunnelKernels = TargetKernels<T, FunnelSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/funnel.inc"
#define RIFFLE_CLASS Funnel
#define RIFFLE_KERNELS FunnelKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::array<NumberOption, 1> numbers{{
    {"sd", 3.0, "standard deviation of z.1, the logarithm of the others' variance"},
}};

template <class T>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  const double sd = options.positive("sd");
  const double log_two_pi = std::log(2 * std::numbers::pi);
  const FunnelSettings settings{
      sd, -std::log(sd) - 0.5 * static_cast<double>(options.dim) * log_two_pi};
  return std::make_unique<KernelDensity<T, FunnelSettings>>(options.dim, settings,
                                                            kernels_for<T>(options.set));
}

}  // namespace

const TargetEntry funnel_entry{
    .name = "funnel",
    .summary = "Neal's funnel, normalised: z.1 scales all the others",
    .default_dim = 10,
    .any_dim = true,
    .improper = false,
    .options = numbers,
    .log_z = &log_z_of_normalised,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
    .posterior = true,
    .reach = 12,
};

}  // namespace riffle
