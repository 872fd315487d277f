#include "targets/ill_conditioned.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "riffle/error.h"
#include "targets/target_kernels.h"

namespace riffle {
namespace {

template <class T>
struct IllConditionedSettings {
  std::vector<T> rows;  ///< W, [dim][dim]
};

template <class T>
using IllConditionedKernels = TargetKernels<T, IllConditionedSettings<T>>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/ill_conditioned.inc"
#define RIFFLE_CLASS IllConditioned
#define RIFFLE_KERNELS IllConditionedKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::array<NumberOption, 1> numbers{{
    {"condition", 1000.0, "largest variance along a principal axis over the smallest"},
}};

double condition_of(const TargetOptions& options) {
  const double condition = options.number("condition");
  if (!(condition >= 1)) {
    throw Error(ErrorKind::usage,
                fmt::format("target.condition is {}, but must be 1 or more", condition));
  }
  return condition;
}

/// Row k of the orthonormal cosine transform (DCT-II of Ahmed, Natarajan & Rao 1974), whose entries
/// are all of one size, over the standard deviation along it. Variances are spaced geometrically
/// from κ^-½ to κ^½, so that their product is 1.
template <class T>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  const double condition = condition_of(options);
  constexpr std::size_t largest = 10'000;
  if (options.dim > largest) {
    throw Error(ErrorKind::usage,
                fmt::format("target.dim is {}, but ill-conditioned stores a dense "
                            "matrix and goes no further than {}",
                            options.dim, largest));
  }
  const std::size_t dim = options.dim;
  const auto n = static_cast<double>(dim);
  IllConditionedSettings<T> settings;
  settings.rows.reserve(dim * dim);
  for (std::size_t k = 0; k < dim; ++k) {
    const double along = dim == 1 ? 0 : static_cast<double>(k) / (n - 1) - 0.5;
    const double sd = std::pow(condition, 0.5 * along);
    const double size = std::sqrt((k == 0 ? 1 : 2) / n) / sd;
    for (std::size_t d = 0; d < dim; ++d) {
      const auto odd = static_cast<double>((2 * d + 1) * k % (4 * dim));
      settings.rows.push_back(static_cast<T>(size * std::cos(std::numbers::pi * odd / (2 * n))));
    }
  }
  return std::make_unique<KernelDensity<T, IllConditionedSettings<T>>>(dim, std::move(settings),
                                                                       kernels_for<T>(options.set));
}

std::optional<double> log_z(const TargetOptions& options) {
  return 0.5 * static_cast<double>(options.dim) * std::log(2 * std::numbers::pi);
}

}  // namespace

const TargetEntry ill_conditioned_entry{
    .name = "ill-conditioned",
    .summary = "a normal of great and small variances, along no axis",
    .default_dim = 100,
    .any_dim = true,
    .improper = false,
    .options = numbers,
    .log_z = &log_z,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
    .posterior = true,
};

}  // namespace riffle
