#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "core/aligned.h"
#include "core/expression.h"
#include "core/instruction_set.h"

namespace riffle {

/// What an optimizer is made for, besides its own options.
struct OptimizerSetup {
  std::size_t parameters = 0;
  InstructionSet set;
  /// The gradient is scaled down to this Euclidean norm where it is longer.
  double clip_norm = std::numeric_limits<double>::infinity();
};

/// The flat vectors of one optimizer step. `n` is a multiple of 16 and all are 64-byte aligned; the
/// padding of the gradient is zero, so that of the others stays as it is.
template <class T>
struct StepVectors {
  std::size_t n;
  T* params;  ///< updated
  const T* grad;
  T* first;  ///< moments, updated; which of the three are used depends on the optimizer
  T* second;
  T* velocity;
};

/// Minimises along flat vectors. Sees no model: parameters and gradient are two spans. An optimizer
/// is a class that holds its options and makes the update of one step.
template <class T>
class Optimizer {
 public:
  explicit Optimizer(const OptimizerSetup& setup);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Elements that params and grad must have, 64-byte aligned: the number of parameters rounded up
  /// to whole lanes. What lies beyond the parameters must be zero in grad.
  std::size_t padded_size() const { return first_.size(); }

  /// One step with learning rate `rate`. Returns false, with nothing changed, where the gradient is
  /// not finite. `grad` is scaled in place where it is clipped.
  bool step(double rate, std::span<T> params, std::span<T> grad);

  /// Steps taken so far.
  std::uint64_t steps() const { return steps_; }

  /// All state besides the options, for checkpoints.
  struct State {
    std::uint64_t steps;
    std::span<T> first, second, velocity;
  };
  State state() { return {steps_, first_, second_, velocity_}; }
  void set_steps(std::uint64_t steps) { steps_ = steps; }

 private:
  /// Moves the parameters, in step number steps() from 1 on.
  virtual void update(double rate, const StepVectors<T>& vectors) = 0;

  double clip_norm_;
  T (*norm2_)(const T* grad, std::size_t n);
  AlignedVector<T> first_;
  AlignedVector<T> second_;
  AlignedVector<T> velocity_;
  std::uint64_t steps_ = 0;
};

/// One line of the registry.
struct OptimizerEntry {
  template <class T>
  using Make = std::unique_ptr<Optimizer<T>>(const Arguments&, const OptimizerSetup&);

  std::string_view name;
  std::string_view summary;
  std::span<const Option> options;
  Make<float>* make_float;
  Make<double>* make_double;

  /// That of a class which is made of arguments and setup.
  template <template <class> class Class>
  static constexpr OptimizerEntry of(std::string_view name, std::string_view summary,
                                     std::span<const Option> options) {
    return {name, summary, options, &make<Class, float>, &make<Class, double>};
  }

 private:
  template <template <class> class Class, class T>
  static std::unique_ptr<Optimizer<T>> make(const Arguments& arguments,
                                            const OptimizerSetup& setup) {
    return std::make_unique<Class<T>>(arguments, setup);
  }
};

extern const OptimizerEntry rmsprop_entry, adam_entry, sgd_entry;

std::span<const OptimizerEntry> optimizer_registry();

/// The optimizer that a text such as "adam(beta1=0.9)" stands for; throws as choose() does.
template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(std::string_view text, const OptimizerSetup& setup) {
  const auto chosen = choose(optimizer_registry(), text, "optimizer");
  if constexpr (std::is_same_v<T, float>) {
    return chosen.entry.make_float(chosen.arguments, setup);
  } else {
    return chosen.entry.make_double(chosen.arguments, setup);
  }
}

}  // namespace riffle
