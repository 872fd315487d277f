#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/aligned.h"
#include "core/whole_lanes.h"
#include "targets/failure_log.h"
#include "targets/formula/formula.h"
#include "targets/formula/special_functions.h"

namespace riffle {
namespace {

/// A program as kernels see it, without the library's containers.
struct FormulaView {
  std::size_t dim;
  const formula::Step* steps;
  std::size_t step_count;
  const formula::Operand* operands;
  const std::uint32_t* coordinate_adjoints;
  std::uint32_t result;
  std::uint32_t result_adjoint;
  bool guarded;
};

/// 2/π as the sum of two numbers, and the lowest finite number.
template <class T>
struct FormulaPrecision {
  static constexpr double turns_high = 0.63661977236758134308;
  static constexpr double turns_low = -3.9357353350364974e-17;
  static constexpr double lowest = std::numeric_limits<double>::lowest();
};
template <>
struct FormulaPrecision<float> {
  static constexpr double turns_high = 0.63661977236758134308F;
  static constexpr double turns_low = 0.63661977236758134308 - turns_high;
  static constexpr double lowest = std::numeric_limits<float>::lowest();
};

template <class T>
struct FormulaKernels {
  /// `memory` holds all rows of `strip` samples, a multiple of 16.
  void (*evaluate)(const FormulaView&, Tile<const T> z, T* log_density, Tile<T> gradient, T* memory,
                   std::size_t strip);

  template <class Maths>
  static FormulaKernels of() {
    return {&Maths::evaluate};
  }
};

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/formula/formula.inc"
#define RIFFLE_CLASS FormulaMaths
#define RIFFLE_KERNELS FormulaKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

/// So many samples at once that all rows stay in the cache next to the core.
template <class T>
std::size_t strip_of(std::size_t rows) {
  constexpr std::size_t cache = 48 * 1024;
  const std::size_t samples = cache / (rows * sizeof(T)) / 16 * 16;
  return std::clamp<std::size_t>(samples, 16, tile_size);
}

template <class T>
class FormulaDensity final : public Density<T> {
 public:
  FormulaDensity(const Formula& formula, InstructionSet set)
      : Density<T>(formula.dim()),
        program_(formula.program),
        strip_(strip_of<T>(program_.rows)),
        kernels_(kernels_for<T>(set)) {}

 private:
  void evaluate_impl(Tile<const T> z, T* log_density, Tile<T> gradient) const override {
    thread_local AlignedVector<T> memory;
    const std::size_t strip = std::min(strip_, whole_lanes(z.count()));
    if (memory.size() < program_.rows * strip) memory.resize(program_.rows * strip_);
    const FormulaView view{program_.dim,
                           program_.steps.data(),
                           program_.steps.size(),
                           program_.operands.data(),
                           program_.coordinate_adjoints.data(),
                           program_.result,
                           program_.result_adjoint,
                           program_.guarded};
    kernels_.evaluate(view, z, log_density, gradient, memory.data(), strip);
  }

  formula::Program program_;
  std::size_t strip_;
  FormulaKernels<T> kernels_;
};

class FormulaTarget final : public Target {
 public:
  FormulaTarget(Formula formula, std::string text, InstructionSet set)
      : formula_(std::move(formula)),
        text_(std::move(text)),
        density_(make_formula_density<double>(formula_, set)) {}

  std::size_t dim() const override { return formula_.dim(); }
  std::string name() const override { return "density"; }
  std::string description() const override { return text_; }
  std::vector<std::string> parameter_names() const override { return formula_.coordinates; }
  TargetFailures failures() const override { return failures_.failures(); }

  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override {
    alignas(64) double whole_lanes[tile_size];
    density_->evaluate(z, whole_lanes, gradient);
    std::copy_n(whole_lanes, z.count(), log_density.begin());
    for (std::size_t s = 0; s < z.count(); ++s) {
      if (std::isnan(log_density[s])) failures_.add(why(z, s));
    }
  }

 private:
  std::string why(Tile<const double> z, std::size_t s) const {
    constexpr std::size_t most_shown = 8;
    std::string point;
    for (std::size_t d = 0; d < std::min(dim(), most_shown); ++d) {
      point += fmt::format("{}{} = {:.6g}", d == 0 ? "" : ", ", formula_.coordinates[d], z(d, s));
    }
    return fmt::format("the density is negative or has no value at {}{}", point,
                       dim() > most_shown ? ", ..." : "");
  }

  Formula formula_;
  std::string text_;
  std::unique_ptr<Density<double>> density_;
  mutable FailureLog failures_;
};

}  // namespace

template <class T>
std::unique_ptr<Density<T>> make_formula_density(const Formula& formula, InstructionSet set) {
  return std::make_unique<FormulaDensity<T>>(formula, set);
}

template std::unique_ptr<Density<float>> make_formula_density(const Formula&, InstructionSet);
template std::unique_ptr<Density<double>> make_formula_density(const Formula&, InstructionSet);
template std::unique_ptr<Density<Dual>> make_formula_density(const Formula&, InstructionSet);

std::unique_ptr<Target> make_formula_target(Formula formula, std::string text, InstructionSet set) {
  return std::make_unique<FormulaTarget>(std::move(formula), std::move(text), set);
}

std::unique_ptr<Target> formula_target(std::string_view text, FormulaKind kind,
                                       const std::vector<std::string>& coordinates) {
  std::string list;
  for (const auto& name : coordinates) list += (list.empty() ? "" : ",") + name;
  const auto names = parse_coordinates(list, "coordinates");
  return make_formula_target(parse_formula(text, kind, names, "formula"), std::string(text),
                             InstructionSet::best());
}

}  // namespace riffle
