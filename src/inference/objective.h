#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

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

/// Settings of the objectives that have any.
struct ObjectiveSettings {
  /// Annealed: beta(t) = min(1, beta_start + t / beta_steps).
  double beta_start = 0.01;
  double beta_steps = 10000;
  std::size_t importance_samples = 16;  ///< K of the importance-weighted and Rényi bounds
  double alpha = 0.5;                   ///< of the Rényi bound
};

/// One line of the registry.
struct ObjectiveEntry {
  std::string_view name;
  std::string_view summary;
  ObjectiveTerms (*terms)(const ObjectiveSettings&, std::uint64_t iteration);
  bool annealed = false;
  bool grouped = false;               ///< whether it looks at groups of `importance_samples` draws
  bool needs_inverse = false;         ///< whether the flow must have an inverse
  bool constant_entropy = false;      ///< whether it takes E[ln q0] for a constant
  bool of_samples = false;            ///< whether it learns from points, not from a log density
  std::span<const Option> options{};  ///< keys of a spec's section `objective`, with their defaults
};

std::span<const ObjectiveEntry> objective_registry();

}  // namespace riffle
