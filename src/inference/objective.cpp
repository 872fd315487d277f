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

constexpr Option annealing[] = {
    {"beta_start", "0.01", "weight of ln p at the first iteration"},
    {"beta_steps", "10000", "iterations for the weight to grow by 1, where it stays"},
};
constexpr Option group{"importance_samples", "16",
                       "K, draws in a group; divides 128 and the batch"};
constexpr Option of_importance[] = {group};
constexpr Option of_renyi[] = {
    group,
    {"alpha", "0.5", "order: 0 is importance-weighted, towards 1 it is the free energy"},
};
constexpr Option stopping[] = {
    {"holdout", "0.1", "share of the points held out, by which the best parameters are chosen"},
    {"patience", "20", "checks, 200 a run, that may find nothing better before it stops"},
};

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
       .annealed = true,
       .options = annealing},
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
       .needs_inverse = true,
       .options = of_importance},
      {.name = "renyi",
       .summary = "Rényi's bound of order alpha over K draws (Li & Turner 2016), doubly "
                  "reparameterised gradient",
       .terms = &renyi,
       .grouped = true,
       .needs_inverse = true,
       .options = of_renyi},
      {.name = "maximum-likelihood",
       .summary = "-mean of ln q at given points: density estimation (fit --samples FILE)",
       .terms = &free_energy,
       .needs_inverse = true,
       .of_samples = true,
       .options = stopping},
  }};
  return registry;
}

}  // namespace riffle
