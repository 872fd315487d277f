#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "core/expression.h"

namespace riffle {

/// What a variational objective weighs, at one iteration. For each draw z0 ~ q0, z = f(z0), it
/// looks at the log weight
///   ln w = beta · ln p(z) + ln|det ∂f/∂z0| - base_weight · ln q0(z0)
/// and minimises the mean of -ln w, or over groups of draws the mean of
///   -1/(1 - alpha) ln(1/K Σ_k w_k^(1 - alpha)).
struct ObjectiveTerms {
  double base_weight = 1;
  double beta = 1;
  /// Whether the gradient is that of the path alone: the parameters' direct part of ln q, whose
  /// mean is zero, is left out, which takes the noise away where q is near p.
  bool path = false;
  std::size_t group = 1;  ///< K; a divisor of `tile_size`
  double alpha = 1;       ///< 0: importance-weighted bound; 1: free energy
};

/// What an objective weighs, as a function of the iteration.
using TermsAt = std::function<ObjectiveTerms(std::uint64_t iteration)>;

template <class T>
class GradientSource;
template <class T>
struct SourceSetup;

/// Makes the source of an objective's gradient.
struct SourceMaker {
  std::unique_ptr<GradientSource<float>> (*of_float)(const SourceSetup<float>&);
  std::unique_ptr<GradientSource<double>> (*of_double)(const SourceSetup<double>&);

  template <class T>
  std::unique_ptr<GradientSource<T>> operator()(const SourceSetup<T>& setup) const {
    if constexpr (std::is_same_v<T, float>) {
      return of_float(setup);
    } else {
      return of_double(setup);
    }
  }
};

/// One line of the registry.
struct ObjectiveEntry {
  std::string_view name;
  std::string_view summary;
  std::span<const Option> options{};
  TermsAt (*terms)(const Arguments&);
  SourceMaker source;
  bool needs_inverse = false;     ///< whether the flow must have an inverse
  bool constant_entropy = false;  ///< whether it takes E[ln q0] for a constant
  bool of_samples = false;        ///< whether it learns from points, not from a log density
};

std::span<const ObjectiveEntry> objective_registry();

/// The objective that a text such as "annealed(beta_steps=500)" names; throws as choose() does.
Choice<ObjectiveEntry> choose_objective(std::string_view text);
/// What it weighs.
TermsAt objective_terms(std::string_view text);

}  // namespace riffle
