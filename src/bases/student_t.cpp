#include "bases/student_t.h"

#include <cmath>
#include <iterator>
#include <type_traits>

#include "bases/gamma_ratio.h"
#include "bases/kernel_base.h"

namespace riffle {
namespace {

template <class T>
using StudentTKernels = BaseKernels<T, NoSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS_PRELUDE "bases/uniform_pairs.inc"
#define RIFFLE_MATHS "bases/student_t.inc"
#define RIFFLE_CLASS StudentT
#define RIFFLE_KERNELS StudentTKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

template <class T>
std::unique_ptr<Base<T>> make(const BaseOptions& options) {
  const auto& arguments = options.arguments;
  const std::size_t dim = options.dim;
  ParameterLayout layout;
  layout.add("location", "m ∈ R^D", {dim});
  layout.add("log_scale", "λ = ln s ∈ R^D", {dim});
  layout.add("log_freedom", "φ ∈ R^D, ν = 1/2 + exp φ", {dim});
  std::vector<T> start(dim, T(arguments.number("location")));
  start.resize(2 * dim, T(std::log(arguments.number("scale"))));
  start.resize(3 * dim, T(std::log(arguments.number("nu") - 0.5)));
  return std::make_unique<KernelBase<T, NoSettings>>(dim, layout, 2 * dim * tile_stride,
                                                     NoSettings(), kernels_for<T>(options.set),
                                                     std::move(start), arguments.flag("learn"));
}

constexpr Option options[] = {
    {"learn", "yes", "whether nu, location and scale are learned from here, or stay",
     Values::flag()},
    {"nu", "5", "degrees of freedom of every coordinate", Values::number_above(0.5)},
    {"location", "0", "the same for every coordinate"},
    {"scale", "1", "the same for every coordinate", Values::number_above(0)},
};

constexpr std::string_view variants[] = {"", "learn=no, nu=1.5, location=1, scale=2",
                                         "nu=40, location=-3, scale=0.1", "nu=1e12"};

}  // namespace

const BaseEntry student_t_entry{
    .name = "student-t",
    .summary = "Student's t in every coordinate, degrees of freedom, location and scale learned",
    .options = options,
    .variants = variants,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
};

}  // namespace riffle
