#include "targets/student_t_mixture.h"

#include <fmt/format.h>

#include <array>
#include <type_traits>
#include <vector>

#include "core/philox.h"
#include "riffle/error.h"
#include "targets/target_kernels.h"

namespace riffle {
namespace {

struct StudentTMixtureSettings {
  static constexpr std::size_t components = 10;
  std::size_t dim;
  std::vector<double> locations;  ///< [components][dim]

  double location(std::size_t k, std::size_t d) const { return locations[k * dim + d]; }
};

template <class T>
using StudentTMixtureKernels = TargetKernels<T, StudentTMixtureSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/student_t_mixture.inc"
#define RIFFLE_CLASS StudentTMixture
#define RIFFLE_KERNELS StudentTMixtureKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::array<NumberOption, 1> numbers{{
    {"spread", 10.0, "the ten locations are uniform on [-spread, spread]^D"},
}};

/// The locations come from a stream of their own, never from the seed of a run: m_kd is number
/// (sample k, coordinate d) of the stream of structures with seed 0, so that those of the first
/// coordinates are the same in every dimension.
template <class T>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  const double spread = options.number("spread");
  if (!(spread >= 0)) {
    throw Error(ErrorKind::usage,
                fmt::format("target.spread is {}, but must be 0 or more", spread));
  }
  const RandomStream stream{0, Purpose::structure, 0};
  StudentTMixtureSettings settings{options.dim, {}};
  for (std::uint32_t k = 0; k < StudentTMixtureSettings::components; ++k) {
    for (std::uint32_t d = 0; d < options.dim; ++d) {
      settings.locations.push_back(spread * (2 * stream.uniform(k, d) - 1));
    }
  }
  return std::make_unique<KernelDensity<T, StudentTMixtureSettings>>(
      options.dim, std::move(settings), kernels_for<T>(options.set));
}

}  // namespace

const TargetEntry student_t_mixture_entry{
    .name = "student-t-mixture",
    .summary = "ten products of Student's t with 2 degrees of freedom, normalised",
    .default_dim = 2,
    .any_dim = true,
    .improper = false,
    .options = numbers,
    .log_z = &log_z_of_normalised,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
    .posterior = true,
    .reach = 16,
};

}  // namespace riffle
