#include "bases/diagonal_normal.h"

#include <cmath>

#include "bases/kernel_base.h"

namespace riffle {
namespace {

template <class T>
using DiagonalNormalKernels = BaseKernels<T, NoSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "bases/normal_prelude.inc"
#define RIFFLE_MATHS "bases/diagonal_normal.inc"
#define RIFFLE_CLASS DiagonalNormal
#define RIFFLE_KERNELS DiagonalNormalKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

template <class T>
std::unique_ptr<Base<T>> make(const BaseOptions& options) {
  const std::size_t dim = options.dim;
  ParameterLayout layout;
  layout.add("mean", "m ∈ R^D", {dim});
  layout.add("log_sd", "λ = ln s ∈ R^D", {dim});
  std::vector<T> start(dim, T(options.arguments.number("mean")));
  start.resize(2 * dim, T(std::log(options.arguments.number("sd"))));
  return std::make_unique<KernelBase<T, NoSettings>>(dim, layout, dim * tile_stride, NoSettings(),
                                                     kernels_for<T>(options.set), std::move(start),
                                                     options.arguments.flag("learn"));
}

constexpr Option options[] = {
    {"learn", "yes", "whether the parameters are learned; they start at mean and sd, or stay there",
     Values::flag()},
    {"mean", "0", "the same for every coordinate"},
    {"sd", "1", "standard deviation of every coordinate", Values::number_above(0)},
};

constexpr std::string_view variants[] = {"", "learn=no, mean=1, sd=2", "mean=-3, sd=0.1"};

}  // namespace

const BaseEntry diagonal_normal_entry{
    .name = "diagonal-normal",
    .summary = "N(m, diag(s²)), m and ln s learned",
    .options = options,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
