#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/executor.h"
#include "diagnostics/evaluation.h"
#include "diagnostics/verdict.h"
#include "flows/flow_model.h"
#include "posterior/budget.h"
#include "posterior/metered_density.h"
#include "riffle/posterior.h"
#include "riffle/spec.h"
#include "riffle/target.h"

namespace riffle {

/// What is to be assessed, and by how many draws.
struct AssessmentOptions {
  std::uint64_t seed = 1;
  std::uint64_t number = 0;  ///< tells apart assessments with one seed
  std::uint64_t draws = 20'000;
  std::uint64_t kept_draws = 4'000;  ///< for the report
  bool resample = false;             ///< the kept ones, by their weights
  /// Where what is left of it does not do for all draws, as many as it does for, and
  /// `least_final_draws` at least, are both weighed and kept.
  std::optional<Budget> budget{};
};

/// Those of a run.
AssessmentOptions assessment_options(const Spec& spec);

struct Assessment {
  PosteriorReport report;  ///< evidence, verdict, parameters, and values of the kept draws
  Draws kept;
  std::uint64_t invalid = 0;  ///< draws, of those behind the figures, whose weight is none
};

/// Weighs fresh draws of a model against its target and judges them. `known` is what else is known,
/// such as of other modes; what the model, the target and the weights tell is filled in here.
Assessment assess(const FlowModel<double>& model, std::span<const double> params,
                  const Target& target, const Density<double>& density, VerdictEvidence known,
                  const AssessmentOptions& options, Executor& executor);

/// What was spent on the target in `seconds` of wall-clock, and what failed.
void add_cost(PosteriorReport& report, const Target& target, const MeteredDensity& density,
              double seconds);

}  // namespace riffle
