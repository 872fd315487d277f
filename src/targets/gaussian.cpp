#include "targets/gaussian.h"

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "riffle/error.h"
#include "targets/target_kernels.h"

namespace riffle {
namespace {

struct GaussianSettings {
  double mean;
  std::vector<double> precision;  ///< 1/σ_d²
};

template <class T>
using GaussianKernels = TargetKernels<T, GaussianSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/gaussian.inc"
#define RIFFLE_CLASS Gaussian
#define RIFFLE_KERNELS GaussianKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::array<NumberOption, 3> numbers{{
    {"mean", 0.0, "of every coordinate"},
    {"sd_first", 1.0, "standard deviation of the first coordinate"},
    {"sd_last", 1.0, "of the last one; those between are spaced geometrically"},
}};

double sd(const TargetOptions& options, std::size_t d) {
  const double first = options.number("sd_first");
  const double last = options.number("sd_last");
  if (!(first > 0 && last > 0)) {
    throw Error(ErrorKind::usage, "target.sd_first and target.sd_last must be positive");
  }
  if (options.dim == 1) return first;
  const double along = static_cast<double>(d) / static_cast<double>(options.dim - 1);
  return first * std::pow(last / first, along);
}

template <class T>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  GaussianSettings settings{options.number("mean"), {}};
  for (std::size_t d = 0; d < options.dim; ++d) {
    settings.precision.push_back(1 / (sd(options, d) * sd(options, d)));
  }
  return std::make_unique<KernelDensity<T, GaussianSettings>>(options.dim, std::move(settings),
                                                              kernels_for<T>(options.set));
}

std::optional<double> log_z(const TargetOptions& options) {
  double sum = 0.5 * static_cast<double>(options.dim) * std::log(2 * std::numbers::pi);
  for (std::size_t d = 0; d < options.dim; ++d) sum += std::log(sd(options, d));
  return sum;
}

}  // namespace

const TargetEntry gaussian_entry{
    "gaussian",
    "independent normals in any dimension",
    2,
    true,
    false,
    numbers,
    &log_z,
    &make<float>,
    &make<double>,
    &make<Dual>,
};

}  // namespace riffle
