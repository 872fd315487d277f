#include "inference/objective.h"

#include <algorithm>
#include <array>

namespace riffle {
namespace {

ObjectiveTerms bound(const Annealing&, std::uint64_t) {
  return {0, 1};
}

ObjectiveTerms free_energy(const Annealing&, std::uint64_t) {
  return {1, 1};
}

// Rezende & Mohamed (2015), equation 20; beta multiplies E[ln p] only.
ObjectiveTerms annealed(const Annealing& schedule, std::uint64_t iteration) {
  return {1, std::min(1.0, schedule.start + static_cast<double>(iteration) / schedule.steps)};
}

}  // namespace

std::span<const ObjectiveEntry> objective_registry() {
  static const std::array<ObjectiveEntry, 3> registry{{
      {"bound", "the tutorial's: E[-log|det| - ln p], without the constant E[ln q0]", false,
       &bound},
      {"free-energy", "E[ln q - ln p], whose minimum is -ln Z (Rezende & Mohamed 2015, eq. 15)",
       false, &free_energy},
      {"annealed", "free energy with ln p times min(1, beta_start + t/beta_steps) (eq. 20)", true,
       &annealed},
  }};
  return registry;
}

}  // namespace riffle
