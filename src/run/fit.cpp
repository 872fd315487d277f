#include "riffle/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "core/executor.h"
#include "core/names.h"
#include "diagnostics/evaluation.h"
#include "diagnostics/improper.h"
#include "flows/flow_model.h"
#include "inference/gradient_estimator.h"
#include "run/assessment.h"
#include "run/density_fit.h"
#include "run/external_target.h"
#include "run/posterior_fit.h"
#include "run/resumable_fit.h"
#include "run/target_options.h"
#include "run/training.h"
#include "run/warnings.h"
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
  std::unique_ptr<Density<T>> exact;
  std::unique_ptr<Density<T>> trained;
  std::vector<const UserDensity*> counted;  ///< within these, of one's own target
};

template <class T>
Targets<T> make_targets(const Spec& spec, const Target* own, InstructionSet set) {
  Targets<T> targets;
  const auto make = [&]() -> std::unique_ptr<Density<T>> {
    if (own != nullptr) {
      if constexpr (std::is_same_v<T, double>) {
        targets.name = own->name();
        targets.log_z = own->log_z();
        auto density = std::make_unique<UserDensity>(*own);
        targets.counted.push_back(density.get());
        return density;
      } else {
        throw Error(ErrorKind::usage,
                    "a target of one's own computes in double: set run.precision to \"double\"");
      }
    }
    const auto& entry = find_by_name(target_registry(), spec.target.name, "target");
    const auto options = target_options(entry, spec, set);
    targets.name = entry.name;
    targets.log_z = entry.log_z(options);
    targets.known_improper = entry.improper;
    return entry.make<T>(options);
  };
  targets.exact = make();
  targets.trained = with_log_floor(make(), spec.target.log_floor, set);
  return targets;
}

/// What only the flow and base that were made can tell of a spec.
template <class T>
void check_goes_together(const Spec& spec, const FlowModel<T>& model) {
  const auto& objective = find_by_name(objective_registry(), spec.objective.name, "objective");
  if (objective.needs_inverse && !model.flow().has_inverse()) {
    throw Error(ErrorKind::usage,
                fmt::format("objective {} needs a flow with an inverse, but {}: {}", objective.name,
                            spec.flow.layers, model.flow().no_inverse_reason()));
  }
  if (objective.constant_entropy && model.base().parameters().size() > 0) {
    throw Error(ErrorKind::usage,
                fmt::format("objective {} takes E[ln q0] for a constant, but {} has parameters: "
                            "take free-energy",
                            objective.name, spec.base.name));
  }
}

template <class T>
FitReport typed_fit(const Spec& spec, const Target* own, const FitCallbacks& callbacks,
                    const FitHooks& hooks) {
  const auto set = InstructionSet::parse(spec.run.simd);
  const auto targets = make_targets<T>(spec, own, set);
  const std::size_t dim = targets.exact->dim();
  const auto runs = parse_flow(spec.flow.layers);
  const auto model = make_model<T>(spec.base.name, runs, {dim, spec.flow.log_det_floor, set});
  const auto exact_model = make_model<T>(spec.base.name, runs, {dim, 0, set});
  check_goes_together(spec, model);
  const bool alone = own != nullptr && !own->thread_safe();
  Executor executor(alone ? 1 : threads_of(spec));
  const auto options = trainer_options(spec);
  GradientEstimator<T> source(model, *targets.trained, options.batch, executor, set);
  auto first_batch = first_draws(model, spec.run.seed);
  auto trained =
      train<T>(spec, options, {model, exact_model, source, first_batch}, callbacks, hooks);

  const std::span<const T> params(trained.params);
  const auto final_terms = options.objective(options.objective_settings, options.iterations);
  const RandomStream fresh{spec.run.seed, Purpose::evaluation, 0};
  const auto bound = evaluate_objective<T>(model, *targets.trained, params, fresh,
                                           spec.run.evaluation_draws, final_terms, executor);
  const auto free_energy = evaluate_objective<T>(exact_model, *targets.exact, params, fresh,
                                                 spec.run.evaluation_draws, {}, executor);
  auto drawn = draw<T>(exact_model, targets.exact.get(), params, {spec.run.seed, Purpose::draws, 0},
                       0, spec.run.draws);
  // Before the target is evaluated far out, where many fail.
  const auto failures = own == nullptr ? TargetFailures{} : own->failures();
  std::uint64_t evaluations = 0;
  for (const auto* density : targets.counted) evaluations += density->evaluations();
  const bool improper = targets.known_improper || looks_improper(*targets.exact, drawn);

  std::optional<double> kl;
  std::optional<double> kl_se;
  if (targets.log_z) {
    kl = *targets.log_z + free_energy.mean;
    kl_se = free_energy.standard_error;
  }
  std::uint64_t invalid_in_training = 0;
  for (const auto n : trained.state.blame) invalid_in_training += n;
  FitReport report{
      .target = targets.name,
      .stop_reason = std::string(name_of(trained.reason)),
      .iterations = trained.state.iteration,
      .threads = executor.threads(),
      .simd = std::string(set.name()),
      .seconds = trained.seconds,
      .us_per_iteration = trained.us_per_iteration,
      .bound = bound.mean,
      .bound_se = bound.standard_error,
      .elbo = -free_energy.mean,
      .elbo_se = free_energy.standard_error,
      .log_z_true = targets.log_z,
      .kl = kl,
      .kl_se = kl_se,
      .log_likelihood = {},
      .log_likelihood_se = {},
      .invalid_draws = free_energy.invalid,
      .invalid_training_draws = invalid_in_training,
      .refused_steps = trained.state.refused_steps,
      .evaluations = evaluations,
      .failed_evaluations = failures.count,
      .first_failure = failures.first_message,
      .target_description = own == nullptr ? "" : own->description(),
      .injective = exact_model.injective(params),
      .warnings = {},
      .flow = TrainedFlow({spec.base.name,
                           spec.flow.layers,
                           spec.run.precision,
                           dim,
                           {params.begin(), params.end()}}),
      .draws = {dim, std::move(drawn.z), std::move(drawn.log_q)},
      .log_p = std::move(drawn.log_p),
      .loss_every = trained.state.loss_every,
      .losses = trained.state.losses,
      .snapshots = std::move(trained.snapshots),
  };
  add_warnings(report, trained.state.blame, runs, improper, final_terms.beta);
  if (alone && spec.run.threads > 1) {
    report.warnings.push_back(fmt::format(
        "run.threads is {}, but {} does not say that it may be used from several threads: "
        "it ran on one; where it may, set target.thread_safe = true",
        spec.run.threads, targets.name));
  }
  if constexpr (std::is_same_v<T, double>) {
    if (own != nullptr) {
      const auto judged = assessment_options(spec);
      const auto weighed = weigh(exact_model, params, *own, *targets.exact, {}, judged, executor);
      auto assessed = assess(exact_model, params, *own, *targets.exact, weighed, judged, executor);
      report.posterior = std::move(assessed.report);
      report.draws = {dim, std::move(assessed.kept.z), std::move(assessed.kept.log_q)};
      report.log_p = std::move(assessed.kept.log_p);
      report.posterior->seconds = trained.seconds;
      report.posterior->gradients = evaluations;
      report.posterior->failed_evaluations = failures.count;
      report.posterior->first_failure = failures.first_message;
      add_generation_warning(report.warnings, report.posterior->failed_generations, spec.run.draws);
    }
  }
  return report;
}

}  // namespace

FitReport resumable_fit(const Spec& spec, const Target* target, const FitCallbacks& callbacks,
                        const FitHooks& hooks) {
  spec.validate();
  if (!spec.target.samples.empty()) return density_fit(spec, callbacks, hooks);
  std::unique_ptr<Target> made;
  if (target == nullptr) {
    made = posterior_target(spec);
    target = made.get();
  }
  if (spec.run.method == "staged") return posterior_fit(spec, *target, callbacks, hooks);
  return spec.run.precision == "float" ? typed_fit<float>(spec, target, callbacks, hooks)
                                       : typed_fit<double>(spec, target, callbacks, hooks);
}

FitReport fit(const Spec& spec, const FitCallbacks& callbacks) {
  return resumable_fit(spec, nullptr, callbacks, {});
}

FitReport fit(const Spec& spec, const Target& target, const FitCallbacks& callbacks) {
  return resumable_fit(spec, &target, callbacks, {});
}

}  // namespace riffle
