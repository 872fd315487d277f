#include "bases/uniform_box.h"

#include <cmath>
#include <limits>

#include "bases/kernel_base.h"

namespace riffle {
namespace {

struct UniformBoxSettings {
  double low;
  double high;
};

template <class T>
using UniformBoxKernels = BaseKernels<T, UniformBoxSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "bases/uniform_pairs.inc"
#define RIFFLE_MATHS "bases/uniform_box.inc"
#define RIFFLE_CLASS UniformBox
#define RIFFLE_KERNELS UniformBoxKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

template <class T>
std::unique_ptr<Base<T>> make(const BaseOptions& options) {
  const double low = options.arguments.number("low");
  const UniformBoxSettings box{low, options.arguments.number("high")};
  if (!(box.high > low)) {
    throw options.arguments.refused("high", "above " + argument_text(low));
  }
  return std::make_unique<KernelBase<T, UniformBoxSettings>>(
      options.dim, ParameterLayout(), 0, box, kernels_for<T>(options.set), std::vector<T>(), false);
}

constexpr Option options[] = {
    {"low", "-1", "where the box begins in every coordinate"},
    {"high", "1", "where it ends"},
};

constexpr std::string_view variants[] = {"", "low=-0.3, high=5", "low=1000, high=1000.5"};

}  // namespace

const BaseEntry uniform_box_entry{
    .name = "uniform-box",
    .summary = "uniform on [low, high]^D, fixed",
    .options = options,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
