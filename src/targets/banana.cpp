#include "targets/banana.h"

#include <array>
#include <cmath>
#include <numbers>

#include "targets/target_kernels.h"

namespace riffle {
namespace {

struct BananaSettings {
  double sd;         ///< of z0
  double curvature;  ///< b
  double constant;   ///< -ln σ - ½ D ln 2π
};

template <class T>
using BananaKernels = TargetKernels<T, BananaSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/banana.inc"
#define RIFFLE_CLASS Banana
#define RIFFLE_KERNELS BananaKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::array<NumberOption, 2> numbers{{
    {"sd", 10.0, "standard deviation of z.1"},
    {"curvature", 0.03, "b in z.2 ~ N(b (z.1² - sd²), 1)"},
}};

template <class T>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  const double sd = options.positive("sd");
  const double log_two_pi = std::log(2 * std::numbers::pi);
  const BananaSettings settings{
      sd, options.number("curvature"),
      -std::log(sd) - 0.5 * static_cast<double>(options.dim) * log_two_pi};
  return std::make_unique<KernelDensity<T, BananaSettings>>(options.dim, settings,
                                                            kernels_for<T>(options.set));
}

}  // namespace

const TargetEntry banana_entry{
    .name = "banana",
    .summary = "a normal bent to a banana, normalised (Haario et al. 1999)",
    .default_dim = 2,
    .any_dim = true,
    .improper = false,
    .options = numbers,
    .log_z = &log_z_of_normalised,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
    .posterior = true,
    .dims = {.least = 2},
    .reach = 35,
};

}  // namespace riffle
