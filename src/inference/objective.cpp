#include "inference/objective.h"

#include <algorithm>
#include <array>

namespace riffle {
namespace {

ObjectiveTerms bound(const ObjectiveSettings&, std::uint64_t) {
  return {.base_weight = 0};
}

ObjectiveTerms free_energy(const ObjectiveSettings&, std::uint64_t) {
  return {};
}

// Rezende & Mohamed (2015), equation 20; beta multiplies E[ln p] only.
ObjectiveTerms annealed(const ObjectiveSettings& settings, std::uint64_t iteration) {
  const double grown = static_cast<double>(iteration) / settings.beta_steps;
  return {.beta = std::min(1.0, settings.beta_start + grown)};
}

ObjectiveTerms path_gradient(const ObjectiveSettings&, std::uint64_t) {
  return {.path = true};
}

ObjectiveTerms importance_weighted(const ObjectiveSettings& settings, std::uint64_t) {
  return {.path = true, .group = settings.importance_samples, .alpha = 0};
}

ObjectiveTerms renyi(const ObjectiveSettings& settings, std::uint64_t) {
  return {.path = true, .group = settings.importance_samples, .alpha = settings.alpha};
}

}  // namespace

std::span<const ObjectiveEntry> objective_registry() {
  static const std::array<ObjectiveEntry, 7> registry{{
      {.name = "bound",
       .summary = "the tutorial's: E[-log|det| - ln p], without the constant E[ln q0]",
       .terms = &bound,
       .constant_entropy = true},
      {.name = "free-energy",
       .summary = "E[ln q - ln p], whose minimum is -ln Z (Rezende & Mohamed 2015, eq. 15)",
       .terms = &free_energy},
      {.name = "annealed",
       .summary = "free energy with ln p times min(1, beta_start + t/beta_steps) (eq. 20)",
       .terms = &annealed,
       .annealed = true},
      {.name = "path-gradient",
       .summary =
           "free energy by the gradient of the path alone, noiseless where q = p (Roeder, Wu "
           "& Duvenaud 2017)",
       .terms = &path_gradient,
       .needs_inverse = true},
      {.name = "importance-weighted",
       .summary = "-E[ln mean of K weights] (Burda et al. 2016), doubly reparameterised gradient "
                  "(Tucker et al. 2019)",
       .terms = &importance_weighted,
       .grouped = true,
       .needs_inverse = true},
      {.name = "renyi",
       .summary = "Rényi's bound of order alpha over K draws (Li & Turner 2016), doubly "
                  "reparameterised gradient",
       .terms = &renyi,
       .grouped = true,
       .needs_inverse = true},
      {.name = "maximum-likelihood",
       .summary = "-mean of ln q at given points: density estimation (fit --samples FILE)",
       .terms = &free_energy,
       .needs_inverse = true,
       .of_samples = true},
  }};
  return registry;
}

}  // namespace riffle
