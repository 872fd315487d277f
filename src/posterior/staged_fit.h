#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "core/executor.h"
#include "core/instruction_set.h"
#include "model/trained_model.h"
#include "posterior/budget.h"
#include "posterior/metered_density.h"
#include "posterior/modes.h"
#include "posterior/sampler.h"
#include "riffle/posterior.h"

namespace riffle {

struct StagedOptions {
  std::uint64_t seed = 1;
  double max_seconds = std::numeric_limits<double>::infinity();
  std::uint64_t max_gradients = std::numeric_limits<std::uint64_t>::max();
  /// As those of ModeSearchOptions.
  double reach = 2;
  std::vector<Eigen::VectorXd> given_starts{};
  /// What the target said where it failed first; empty where it said nothing.
  std::function<std::string()> first_failure = [] { return std::string(); };
  std::uint64_t final_draws = 0;  ///< that the budget is to do for when the fit is done
  std::function<bool()> interrupted = [] { return false; };
  /// As FitCallbacks::on_activity; may be empty.
  std::function<void(const PosteriorActivity&)> on_activity{};
  InstructionSet set{};
};

struct StagedFit {
  TrainedModel<double> flow;
  double elbo = std::numeric_limits<double>::quiet_NaN();          ///< of the flow
  double trimmed_elbo = std::numeric_limits<double>::quiet_NaN();  ///< as PhaseResult's
  bool lost_in_rounding = false;                                   ///< as PhaseResult's
  std::uint64_t steps = 0;                                         ///< of optimizers
  std::vector<PosteriorStage> stages;
  std::vector<BoundPoint> trace;
  ModeSearch search;
  bool out_of_budget = false;  ///< whether it did without something for that
  /// What is left of it is for the final draws. Good as long as the target.
  std::optional<Budget> budget;
  bool interrupted = false;
  /// Chains that have converged, from a normal on; `sampled->model` is the one that they whitened.
  std::optional<Sampled> sampled;
  /// Whether they answer: a flow, which is dear, was not tried.
  bool answered_by_chains = false;

  /// Share of the modes' mass, as far as modes were found, where q is far below p: `log_z` scales
  /// p.
  double left_out(double log_z) const;
  /// Whether several modes, where there are, are all in q but for some of little mass.
  bool covers(double log_z) const;
};

/// The default recipe: a normal distribution where that is enough, a flow on top where it is not.
/// `on_stage` is called after each stage with the best flow so far. Throws Error{data} where ln p
/// is finite at none of the starts: with how it was not, and what the target said.
StagedFit staged_fit(const MeteredDensity& target, const StagedOptions& options, Executor& executor,
                     const std::function<void(const StagedFit&)>& on_stage = {});

}  // namespace riffle
