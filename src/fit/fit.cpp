#include "riffle/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "core/executor.h"
#include "core/names.h"
#include "diagnostics/improper.h"
#include "diagnostics/integral.h"
#include "fit/check_model.h"
#include "fit/density_fit.h"
#include "fit/external_target.h"
#include "fit/gradient_warning.h"
#include "fit/one_dimension.h"
#include "fit/posterior_fit.h"
#include "fit/resumable_fit.h"
#include "fit/target_options.h"
#include "fit/training.h"
#include "fit/warnings.h"
#include "inference/evaluation.h"
#include "inference/gradient_source.h"
#include "model/draws.h"
#include "model/trained_model.h"
#include "posterior/assessment.h"
#include "posterior/metered_density.h"
#include "posterior/second_opinion.h"
#include "targets/log_floor.h"
#include "targets/target_registry.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

/// Draws of the base before training, for layers that start from data.
template <class T>
std::vector<TileBuffer<T>> first_draws(const FlowModel<T>& model, std::uint64_t seed) {
  constexpr std::size_t tiles = 8;
  std::vector<T> params(model.parameters().size());
  model.initialise({seed, Purpose::initial_values, 0}, params);
  AlignedVector<T> cache(model.base().cache_size());
  std::vector<TileBuffer<T>> batch(tiles, TileBuffer<T>(model.dim()));
  for (std::size_t k = 0; k < tiles; ++k) {
    model.base().sample(model.base_part(std::span<const T>(params)),
                        {seed, Purpose::first_batch, 0}, k * tile_size, batch[k].view(),
                        cache.data());
  }
  return batch;
}

/// A built-in or a user's target, as it is and as it is trained on.
template <class T>
struct Targets {
  std::string name;
  std::optional<double> log_z;
  bool known_improper = false;
  std::unique_ptr<UserDensity> own;         ///< null of a built-in target
  const MeteredDensity* metered = nullptr;  ///< of one's own, all that is asked of it
  std::unique_ptr<Density<T>> exact;
  std::unique_ptr<Density<T>> trained;
};

template <class T>
Targets<T> make_targets(const Spec& spec, const Target* own, InstructionSet set) {
  Targets<T> targets;
  if (own != nullptr) {
    if constexpr (std::is_same_v<T, double>) {
      targets.name = own->name();
      targets.log_z = own->log_z();
      targets.own = std::make_unique<UserDensity>(*own);
      auto metered = std::make_unique<MeteredDensity>(*targets.own);
      targets.metered = metered.get();
      targets.exact = std::move(metered);
      // Passes on to the other, which meters both.
      targets.trained = with_log_floor<T>(std::make_unique<MeteredDensity>(*targets.exact),
                                          spec.target.log_floor, set);
      return targets;
    } else {
      throw Error(ErrorKind::usage,
                  "a target of one's own computes in double: set run.precision to \"double\"");
    }
  }
  if (has_formula(spec)) {
    const auto formula = formula_of(spec);
    targets.name = "density";
    targets.exact = make_formula_density<T>(formula, set);
    targets.trained =
        with_log_floor(make_formula_density<T>(formula, set), spec.target.log_floor, set);
    return targets;
  }
  const auto& entry = find_by_name(target_registry(), spec.target.name, "target");
  const auto options = target_options(entry, spec, set);
  targets.name = entry.name;
  targets.log_z = entry.log_z(options);
  targets.known_improper = entry.improper;
  targets.exact = entry.make<T>(options);
  targets.trained = with_log_floor(entry.make<T>(options), spec.target.log_floor, set);
  return targets;
}

/// What fresh draws of the trained flow tell of it.
struct Figures {
  double elbo = 0;
  double elbo_se = 0;
  std::uint64_t invalid = 0;
  Draws drawn;
  std::optional<PosteriorReport> posterior;  ///< of one's own target
};

template <class T>
Figures final_figures(const Spec& spec, const Target* own, const Targets<T>& targets,
                      const TrainedModel<T>& trained, const Deadline& deadline,
                      Executor& executor) {
  const auto& model = *trained.model;
  const auto params = trained.all();
  if constexpr (std::is_same_v<T, double>) {
    if (own != nullptr) {
      auto options = assessment_options(spec);
      options.deadline = &deadline;
      const auto& density = *targets.metered;
      auto weighed = weigh(model, params, *own, density, {}, options, executor);
      // Who has chosen the flow is not to be told more than it is worth, nor to wait for that
      // longer than for the rest.
      if (weighed.evidence.injective && judge(weighed.evidence).grade != Grade::unreliable) {
        const auto most = 4 * std::max<std::uint64_t>(density.evaluations(), 50'000);
        const auto stop = [&](std::uint64_t next) {
          return deadline.over(0) || density.evaluations() + next > most;
        };
        hear_chains(trained, weighed, density, {.seed = spec.run.seed, .stop = stop}, executor);
      }
      auto assessed = assess(model, params, *own, density, weighed, options, executor);
      const auto& p = assessed.report;
      return {p.elbo, p.elbo_se, assessed.invalid, std::move(assessed.kept),
              std::move(assessed.report)};
    }
  }
  const auto free_energy =
      evaluate_objective<T>(model, *targets.exact, params, {spec.run.seed, Purpose::evaluation, 0},
                            spec.run.evaluation_draws, {}, executor);
  return {-free_energy.mean, free_energy.standard_error, free_energy.invalid,
          draw<T>(model, targets.exact.get(), params, {spec.run.seed, Purpose::draws, 0}, 0,
                  spec.run.draws),
          std::nullopt};
}

/// Whether ln p has no finite integral, as far as it is known or can be seen.
template <class T>
bool improper(const Spec& spec, const Targets<T>& targets, const FlowModel<T>& model,
              const Draws& drawn) {
  if (targets.known_improper || targets.log_z) return targets.known_improper;
  std::vector<T> params(model.parameters().size());
  model.initialise({spec.run.seed, Purpose::initial_values, 0}, params);
  const auto start =
      draw<T>(model, nullptr, params, {spec.run.seed, Purpose::first_batch, 0}, 0, tile_size);
  return looks_improper(*targets.exact, drawn, start);
}

template <class T>
FitReport typed_fit(const Spec& spec, const Target* own, const FitCallbacks& callbacks,
                    const FitHooks& hooks) {
  const auto set = InstructionSet::parse(spec.run.simd);
  const auto targets = make_targets<T>(spec, own, set);
  const std::size_t dim = targets.exact->dim();
  const auto runs = parse_flow(spec.flow.layers);
  auto exact = make_trained_model<T>(spec.base.name, spec.flow.layers, {dim, 0, set});
  const auto floored = spec.flow.log_det_floor == 0
                           ? exact
                           : make_trained_model<T>(spec.base.name, spec.flow.layers,
                                                   {dim, spec.flow.log_det_floor, set});
  const auto& model = *floored.model;
  const auto& exact_model = *exact.model;
  check_goes_together(spec, model);
  Executor executor(own == nullptr ? threads_of(spec) : threads_of(spec, *own));
  const auto options = trainer_options(spec);
  const auto source = choose_objective(spec.objective.name)
                          .entry.source(SourceSetup<T>{.model = model,
                                                       .target = targets.trained.get(),
                                                       .batch = options.batch,
                                                       .executor = executor,
                                                       .set = set});
  std::string wrong_gradient;
  if (targets.metered != nullptr) {
    wrong_gradient = gradient_warning(spec, *own, *targets.metered, callbacks);
  }
  auto first_batch = first_draws(model, spec.run.seed);
  Training<T> training{model, exact_model, *source, first_batch};
  const auto earlier = hooks.resume == nullptr ? Spent{} : hooks.resume->spent;
  if (own != nullptr) {
    training.spent = [&] { return spent_on(*own, *targets.metered, earlier); };
  }
  auto trained = train<T>(spec, options, training, callbacks, hooks);

  using Clock = std::chrono::steady_clock;
  const auto done = Clock::now();
  exact.params = trained.params;
  const auto params = exact.all();
  const auto final_terms = options.objective(options.iterations);
  const RandomStream fresh{spec.run.seed, Purpose::evaluation, 0};
  const Deadline deadline(callbacks.stop);
  auto bound_draws = spec.run.evaluation_draws;
  if (own != nullptr && deadline.stopped()) {
    const auto calls = 1 / std::max(targets.metered->seconds_of_call(tile_size), 1e-9);
    bound_draws = std::min(bound_draws, tile_size * (1 + static_cast<std::uint64_t>(calls)));
  }
  const auto bound = evaluate_objective<T>(model, *targets.trained, params, fresh, bound_draws,
                                           final_terms, executor);
  auto figures = final_figures<T>(spec, own, targets, exact, deadline, executor);
  // Before the target is evaluated far out, where many fail.
  if (figures.posterior) {
    add_cost(*figures.posterior, spent_on(*own, *targets.metered, earlier),
             trained.seconds + std::chrono::duration<double>(Clock::now() - done).count());
  }
  const bool is_improper = improper(spec, targets, exact_model, figures.drawn);

  // Of a formula in the line or the plane it can be computed.
  auto log_z = targets.log_z;
  if (own == nullptr && has_formula(spec)) {
    log_z = log_integral(*make_formula_density<double>(formula_of(spec), set), figures.drawn.z);
  }
  std::optional<double> kl;
  std::optional<double> kl_se;
  if (log_z) {
    kl = *log_z - figures.elbo;
    kl_se = figures.elbo_se;
  }
  auto common = training_figures(trained, runs, "the target", executor.threads(), set);
  common.target = targets.name;
  common.bound = bound.mean;
  common.bound_se = bound.standard_error;
  common.elbo = figures.elbo;
  common.elbo_se = figures.elbo_se;
  common.log_z_true = log_z;
  common.kl = kl;
  common.kl_se = kl_se;
  common.invalid_draws = figures.invalid;
  if (figures.posterior) {
    common.evaluations = figures.posterior->gradients;
    common.failed_evaluations = figures.posterior->failed_evaluations;
    common.first_failure = figures.posterior->first_failure;
  }
  if (own != nullptr) common.target_description = own->description();
  common.injective = exact_model.injective(params);
  common.posterior = std::move(figures.posterior);
  FitReport report{
      std::move(common),
      trained_flow(exact),
      {dim, std::move(figures.drawn.z), std::move(figures.drawn.log_q)},
      std::move(figures.drawn.log_p),
      trained.state.loss_every,
      trained.state.losses,
      std::move(trained.snapshots),
      {},
  };
  if (!wrong_gradient.empty()) report.warnings.push_back(wrong_gradient);
  if (auto said = affine_in_one_dimension(spec, dim); !said.empty()) {
    report.warnings.push_back(std::move(said));
  }
  add_warnings(report, is_improper, final_terms.beta);
  if (report.posterior) {
    add_generation_warning(report.warnings, report.posterior->failed_generations, spec.run.draws);
    add_missing_warning(report.warnings, report.posterior->missing_values, spec.run.draws);
  }
  if (own != nullptr) warn_of_one_thread(report, spec, *own);
  return report;
}

}  // namespace

FitReport resumable_fit(const Spec& spec, const Target* target, const FitCallbacks& callbacks,
                        const FitHooks& hooks) {
  if (spec.run.method == Method::figure3) {
    throw Error(ErrorKind::usage,
                "run.method is figure3, which is many fits: `riffle fit figure3` makes them");
  }
  if (!spec.target.samples.empty()) {
    auto settled = spec;
    const auto points = split_points(settled);
    return density_fit(settled, points, callbacks, hooks);
  }
  std::unique_ptr<Target> made;
  if (target == nullptr) {
    made = posterior_target(spec);
    target = made.get();
  }
  if (target != nullptr) check_for_fit(spec, *target);
  if (spec.run.method == Method::staged) return posterior_fit(spec, *target, callbacks, hooks);
  return spec.run.precision == Precision::float32
             ? typed_fit<float>(spec, target, callbacks, hooks)
             : typed_fit<double>(spec, target, callbacks, hooks);
}

FitReport fit(const Spec& spec, const FitCallbacks& callbacks) {
  spec.validate();
  return resumable_fit(spec, nullptr, callbacks, {});
}

FitReport fit(const Spec& spec, const Target& target, const FitCallbacks& callbacks) {
  spec.validate();
  return resumable_fit(spec, &target, callbacks, {});
}

}  // namespace riffle
