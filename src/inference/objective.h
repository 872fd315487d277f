#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace riffle {

/// What a variational objective weighs, at one iteration. For each draw z0 ~ q0, z_K = f(z0):
///   value = base_weight · ln q0(z0) - ln|det ∂f/∂z0| - beta · ln p(z_K)
/// to be minimised in the mean.
struct ObjectiveTerms {
  double base_weight = 1;
  double beta = 1;
};

/// The schedule of an annealed objective: beta(t) = min(1, start + t / steps).
struct Annealing {
  double start = 0.01;
  double steps = 10000;
};

/// One line of the registry.
struct ObjectiveEntry {
  std::string_view name;
  std::string_view summary;
  bool annealed;
  ObjectiveTerms (*terms)(const Annealing&, std::uint64_t iteration);
};

std::span<const ObjectiveEntry> objective_registry();

}  // namespace riffle
