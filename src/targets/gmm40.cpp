#include "targets/gmm40.h"

#include <array>
#include <cmath>
#include <numbers>

#include "targets/gmm40_means.h"
#include "targets/target_kernels.h"

namespace riffle {
namespace {

struct Gmm40Settings {
  const Gmm40Means* means;
  double sd;
  double constant;  ///< -ln 40 - ln 2πσ²
};

template <class T>
using Gmm40Kernels = TargetKernels<T, Gmm40Settings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/gmm40.inc"
#define RIFFLE_CLASS Gmm40
#define RIFFLE_KERNELS Gmm40Kernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

// softplus(1), as FAB's code has it.
constexpr std::array<NumberOption, 1> torch_numbers{
    {{"sd", 1.3132616875182228, "standard deviation of every component"}}};
constexpr std::array<NumberOption, 1> jax_numbers{
    {{"sd", 1.0, "standard deviation of every component"}}};

template <class T, const Gmm40Means& means>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  const double sd = options.positive("sd");
  const Gmm40Settings settings{&means, sd, -std::log(40 * 2 * std::numbers::pi * sd * sd)};
  return std::make_unique<KernelDensity<T, Gmm40Settings>>(2, settings,
                                                           kernels_for<T>(options.set));
}

}  // namespace

const TargetEntry gmm40_entry{
    .name = "gmm40",
    .summary = "forty normals in the plane, normalised (Midgley et al. 2023)",
    .default_dim = 2,
    .any_dim = false,
    .improper = false,
    .options = torch_numbers,
    .log_z = &log_z_of_normalised,
    .make_float = &make<float, gmm40_torch_means>,
    .make_double = &make<double, gmm40_torch_means>,
    .make_dual = &make<Dual, gmm40_torch_means>,
    .posterior = true,
    .reach = 45,
};

const TargetEntry gmm40_jax_entry{
    .name = "gmm40-jax",
    .summary = "the same at the means of its version in JAX (Blessing et al. 2024)",
    .default_dim = 2,
    .any_dim = false,
    .improper = false,
    .options = jax_numbers,
    .log_z = &log_z_of_normalised,
    .make_float = &make<float, gmm40_jax_means>,
    .make_double = &make<double, gmm40_jax_means>,
    .make_dual = &make<Dual, gmm40_jax_means>,
    .posterior = true,
    .reach = 45,
};

}  // namespace riffle
