#include "inference/objective.h"

#include <algorithm>
#include <array>
#include <limits>

#include "inference/gradient_estimator.h"
#include "inference/likelihood_estimator.h"
#include "riffle/tile.h"

namespace riffle {
namespace {

template <class T>
std::unique_ptr<GradientSource<T>> by_draws(const SourceSetup<T>& s) {
  return std::make_unique<GradientEstimator<T>>(s.model, *s.target, s.batch, s.executor, s.set);
}
template <class T>
std::unique_ptr<GradientSource<T>> by_points(const SourceSetup<T>& s) {
  return std::make_unique<LikelihoodEstimator<T>>(s.model, s.points, s.batch, s.executor, s.set);
}
constexpr SourceMaker draws{&by_draws, &by_draws};
constexpr SourceMaker points{&by_points, &by_points};

/// Of an objective whose terms are the same at every iteration.
TermsAt always(const ObjectiveTerms& terms) {
  return [terms](std::uint64_t) { return terms; };
}

TermsAt bound(const Arguments&) {
  return always({.base_weight = 0});
}

TermsAt free_energy(const Arguments&) {
  return always({});
}

TermsAt path_gradient(const Arguments&) {
  return always({.path = true});
}

constexpr Option of_annealed[] = {
    {"beta_start", "0.01", "weight of ln p at the first iteration", Values::number_from(0)},
    {"beta_steps", "10000", "iterations for the weight to grow by 1, where it stays",
     Values::number_above(0, std::numeric_limits<double>::infinity())},
};

// Rezende & Mohamed (2015), equation 20; beta multiplies E[ln p] only.
TermsAt annealed(const Arguments& arguments) {
  return [start = arguments.number("beta_start"),
          steps = arguments.number("beta_steps")](std::uint64_t t) {
    return ObjectiveTerms{.beta = std::min(1.0, start + static_cast<double>(t) / steps)};
  };
}

constexpr Option group{"importance_samples", "16", "K, draws in a group; divides 128 and the batch",
                       Values::whole(1, tile_size)};
constexpr Option of_importance_weighted[] = {group};
constexpr Option of_renyi[] = {
    group,
    {"alpha", "0.5", "order: 0 is importance-weighted, towards 1 it is the free energy",
     Values::number_from(0)},
};

TermsAt grouped(const Arguments& arguments, double alpha) {
  const auto k = arguments.whole("importance_samples");
  if (tile_size % k != 0) throw arguments.refused("importance_samples", "a divisor of 128");
  return always({.path = true, .group = k, .alpha = alpha});
}

TermsAt importance_weighted(const Arguments& arguments) {
  return grouped(arguments, 0);
}

TermsAt renyi(const Arguments& arguments) {
  return grouped(arguments, arguments.number("alpha"));
}

constexpr Option of_likelihood[] = {
    {"holdout", "0.1", "share of the points held out, by which the best parameters are chosen",
     Values::fraction()},
    {"patience", "20", "checks, 200 a run, that may find nothing better before it stops",
     Values::whole(1, 1'000'000'000)},
    {"whiten", "yes", "whether it is trained in coordinates in which the points have a spread of 1",
     Values::flag()},
};

}  // namespace

std::span<const ObjectiveEntry> objective_registry() {
  static constexpr std::array<ObjectiveEntry, 7> registry{{
      {.name = "bound",
       .summary = "the tutorial's: E[-log|det| - ln p], without the constant E[ln q0]",
       .terms = &bound,
       .source = draws,
       .constant_entropy = true},
      {.name = "free-energy",
       .summary = "E[ln q - ln p], whose minimum is -ln Z (Rezende & Mohamed 2015, eq. 15)",
       .terms = &free_energy,
       .source = draws},
      {.name = "annealed",
       .summary = "free energy with ln p times min(1, beta_start + t/beta_steps) (eq. 20)",
       .options = of_annealed,
       .terms = &annealed,
       .source = draws},
      {.name = "path-gradient",
       .summary =
           "free energy by the gradient of the path alone, noiseless where q = p (Roeder, Wu "
           "& Duvenaud 2017)",
       .terms = &path_gradient,
       .source = draws,
       .needs_inverse = true},
      {.name = "importance-weighted",
       .summary = "-E[ln mean of K weights] (Burda et al. 2016), doubly reparameterised gradient "
                  "(Tucker et al. 2019)",
       .options = of_importance_weighted,
       .terms = &importance_weighted,
       .source = draws,
       .needs_inverse = true},
      {.name = "renyi",
       .summary = "Rényi's bound of order alpha over K draws (Li & Turner 2016), doubly "
                  "reparameterised gradient",
       .options = of_renyi,
       .terms = &renyi,
       .source = draws,
       .needs_inverse = true},
      {.name = "maximum-likelihood",
       .summary = "-mean of ln q at given points: density estimation (fit --samples FILE)",
       .options = of_likelihood,
       .terms = &free_energy,
       .source = points,
       .needs_inverse = true,
       .of_samples = true},
  }};
  return registry;
}

Choice<ObjectiveEntry> choose_objective(std::string_view text) {
  return choose(objective_registry(), text, "objective");
}

TermsAt objective_terms(std::string_view text) {
  const auto chosen = choose_objective(text);
  return chosen.entry.terms(chosen.arguments);
}

}  // namespace riffle
