#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/executor.h"
#include "diagnostics/defensive_mixture.h"
#include "diagnostics/verdict.h"
#include "model/draws.h"
#include "model/flow_model.h"
#include "posterior/budget.h"
#include "posterior/deadline.h"
#include "posterior/metered_density.h"
#include "posterior/sampler.h"
#include "posterior/spent.h"
#include "riffle/posterior.h"
#include "riffle/spec.h"
#include "riffle/target.h"

namespace riffle {

/// What is to be assessed, and by how many draws.
struct AssessmentOptions {
  std::uint64_t seed = 1;
  std::uint64_t number = 0;          ///< tells apart assessments with one seed
  std::uint64_t draws = 20'000;      ///< of the model; some that reach wider come on top of them
  std::uint64_t kept_draws = 4'000;  ///< for the report; without any, no generated quantities
  bool resample = false;             ///< the kept ones, by their weights
  /// Where what is left of it does not do for all draws, there are as many as it does for, and
  /// `least_final_draws` at least (where the deadline allows), which are kept, too, and none that
  /// reach wider.
  std::optional<Budget> budget{};
  /// When draws and their values have to be there; without one, never.
  const Deadline* deadline = nullptr;
  double seconds_for_values = 0;  ///< ahead of it the draws end

  std::uint64_t wider_draws() const { return draws / 4; }
  std::uint64_t all_draws() const { return draws + wider_draws() + kept_draws; }
};

/// Those of a run.
AssessmentOptions assessment_options(const Spec& spec);

/// Fresh draws of a model, weighed.
struct Weighed {
  Draws own;           ///< of the model; the figures of `evidence` are theirs
  DefensiveDraws all;  ///< with those that reach wider; log Z and parameters are theirs
  /// Pareto-smoothed weights of all, of sum 1; empty where no weight is positive.
  std::vector<double> smoothed;
  VerdictEvidence evidence;
  bool short_of_draws = false;  ///< whether `own` are those to keep, for want of budget or time
  /// Draws of p that started from this model or led to it; where `evidence` says that these are
  /// judged, they are what is kept.
  std::optional<Sampled> sampled{};
};

/// Lets draws of p be heard: `log_q` is the model's at these.
void hear(Weighed& weighed, Sampled sampled, std::span<const double> log_q);

/// The evidence by all draws of q, or by the bridge where a sampler's are judged. Where there are
/// both, how far they are apart is part of the error.
Evidence evidence_of(const Weighed& weighed);

/// The most values that are held of kept draws, 256 MB of them: of more there are none, and whoever
/// wants them makes them again (DrawValues, with the seed).
inline constexpr std::size_t most_kept_values = std::size_t{1} << 25;

struct Assessment {
  PosteriorReport report;  ///< evidence, verdict, parameters, and values of the kept draws
  Draws kept;
  std::uint64_t invalid = 0;  ///< draws, of those behind the figures, whose weight is none
};

/// Weighs fresh draws of a model against its target. `known` is what else is known, such as of
/// other modes; what the model, the target and the weights tell is filled in here.
Weighed weigh(const FlowModel<double>& model, std::span<const double> params, const Target& target,
              const MeteredDensity& density, VerdictEvidence known,
              const AssessmentOptions& options, Executor& executor);

/// Judges a model by draws of it that were weighed with the same options.
Assessment assess(const FlowModel<double>& model, std::span<const double> params,
                  const Target& target, const MeteredDensity& density, const Weighed& weighed,
                  const AssessmentOptions& options, Executor& executor);

/// What was spent on the target so far, before the run was resumed, too.
Spent spent_on(const Target& target, const MeteredDensity& density, const Spent& earlier);

/// The same, in `seconds` of wall-clock, and what failed.
void add_cost(PosteriorReport& report, const Spent& spent, double seconds);

}  // namespace riffle
