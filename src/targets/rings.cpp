#include "targets/rings.h"

#include "targets/target_kernels.h"

namespace riffle {
namespace {

struct RingSettings {
  double radius;
  double lobe_width;
};

template <class T>
using RingKernels = TargetKernels<T, RingSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/rings.inc"
#define RIFFLE_CLASS Ring
#define RIFFLE_KERNELS RingKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr RingSettings crescents{4, 0.8};
constexpr RingSettings u1{2, 0.6};

template <class T, const RingSettings& settings>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  return std::make_unique<KernelDensity<T, RingSettings>>(2, settings, kernels_for<T>(options.set));
}

// By polar Gauss–Legendre quadrature and the trapezoid rule, which agree to 1e-11.
std::optional<double> crescents_log_z(const TargetOptions&) {
  return 2.313289382544;
}
std::optional<double> u1_log_z(const TargetOptions&) {
  return 1.877501626110;
}

}  // namespace

const TargetEntry crescents_entry{
    "crescents",
    "two crescents on a ring of radius 4, the tutorial's density",
    2,
    false,
    false,
    {},
    &crescents_log_z,
    &make<float, crescents>,
    &make<double, crescents>,
    &make<Dual, crescents>,
};

const TargetEntry u1_entry{
    "U1",
    "two crescents on a ring of radius 2 (Rezende & Mohamed 2015, table 1)",
    2,
    false,
    false,
    {},
    &u1_log_z,
    &make<float, u1>,
    &make<double, u1>,
    &make<Dual, u1>,
};

}  // namespace riffle
