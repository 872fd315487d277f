#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "riffle/choices.h"
#include "riffle/target.h"

namespace riffle {

/// Calls of a target, of all threads together, counted as they happen: where some began and none
/// ends, it hangs.
struct TargetCalls {
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> ended{0};
};

/// One stage of a staged fit. Figures that a stage does not have are NaN.
struct PosteriorStage {
  std::string name;
  std::string told;             ///< what was done and what came of it
  std::uint64_t gradients = 0;  ///< spent since the start
  double seconds = 0;           ///< since the start
  double elbo = std::numeric_limits<double>::quiet_NaN();
  double elbo_se = std::numeric_limits<double>::quiet_NaN();
  double ess_fraction = std::numeric_limits<double>::quiet_NaN();
};

/// What a staged fit is doing, between one stage and the next.
struct PosteriorActivity {
  std::string what;             ///< such as "training iaf(hidden=32):2 + affine-full"
  std::uint64_t gradients = 0;  ///< spent since the start
  double seconds = 0;           ///< since the start
  double elbo = std::numeric_limits<double>::quiet_NaN();  ///< the last of this stage, where known
};

/// Where the bound stood.
struct BoundPoint {
  std::uint64_t gradients = 0;  ///< spent since the start
  double elbo = 0;
  std::size_t stage = 0;  ///< index of the stage
};

/// One of several independent fits of a run.
struct PosteriorStart {
  double log_z = 0;
  double log_z_se = 0;
  double elbo = 0;
  double elbo_se = 0;
  Grade verdict = Grade::unreliable;  ///< of this fit by itself
};

/// One parameter of the model, on its own scale.
struct PosteriorParameter {
  std::string name;
  double mean = 0;
  double sd = 0;
  double mcse = 0;  ///< Monte Carlo standard error of the mean
  double q5 = 0;    ///< quantiles
  double q50 = 0;
  double q95 = 0;
};

/// Values of a model that are NaN at some draws, or at all.
struct MissingValues {
  std::uint64_t count = 0;  ///< draws without the value that most of them lack, of those some have
  std::string name;         ///< that value; empty where each has all
  std::vector<std::string> nowhere;  ///< values that no draw has: they have no figures
};

/// What a fit says of a posterior. Figures come from fresh draws; docs/verdict.md says how they are
/// judged.
struct PosteriorReport {
  std::uint64_t draws = 0;        ///< of q, behind the figures
  std::uint64_t wider_draws = 0;  ///< that reach wider than q's, for log_z and the parameters
  double log_z = 0;               ///< evidence: by importance sampling, or, of draws by a sampler,
                                  ///< by the bridge
  double log_z_se = 0;
  bool keeps_constants = true;  ///< where not, log_z is known up to an unknown constant
  double elbo = 0;
  double elbo_se = 0;
  std::optional<double> khat;  ///< Pareto k of the weights
  double ess = 0;              ///< effective draws by the weights
  double ess_fraction = 0;
  Grade verdict = Grade::unreliable;
  std::vector<std::string> verdict_reasons;

  std::uint64_t gradients = 0;  ///< evaluations of the target, all in all
  std::uint64_t failed_evaluations = 0;
  std::string first_failure;
  double seconds = 0;            ///< all in all
  double seconds_in_target = 0;  ///< of all threads together
  std::vector<PosteriorStage> stages;
  std::vector<BoundPoint> trace;
  std::uint64_t climbs = 0;  ///< searches of a mode
  std::uint64_t modes = 0;   ///< that they found
  /// Share of the climbs whose mode no other reached; nothing where there were no climbs.
  std::optional<double> unseen_modes;
  bool modes_left_out = false;  ///< whether some mode that counts is not covered
  bool out_of_budget = false;   ///< whether time or gradients ran out
  /// Independent fits, the one that is kept first; empty where there was no other.
  std::vector<PosteriorStart> starts;

  /// What the draws of the report, and the parameters' figures, are of. Those of a sampler are
  /// [chain][draw]; they are of p, so that their log_q is log_p - log_z, and have no weights.
  DrawsBy draws_by = DrawsBy::flow;
  /// What a sampler of p found that started from draws of q; figures of it are NaN where none ran.
  std::uint64_t chains = 0;                                      ///< 0: none ran
  std::uint64_t chain_length = 0;                                ///< draws of each
  std::uint64_t temperatures = 0;                                ///< from q to p
  double acceptance = std::numeric_limits<double>::quiet_NaN();  ///< of its transitions, mean
  /// The worst of all unconstrained coordinates.
  double r_hat = std::numeric_limits<double>::quiet_NaN();
  double ess_bulk = std::numeric_limits<double>::quiet_NaN();
  double ess_tail = std::numeric_limits<double>::quiet_NaN();
  double log_z_importance = std::numeric_limits<double>::quiet_NaN();  ///< by weights of q's draws
  double log_z_importance_se = std::numeric_limits<double>::quiet_NaN();
  double log_z_bridge = std::numeric_limits<double>::quiet_NaN();  ///< by draws of q and of p
  double log_z_bridge_se = std::numeric_limits<double>::quiet_NaN();
  double eubo = std::numeric_limits<double>::quiet_NaN();  ///< E_p[ln p - ln q], above log Z
  double eubo_se = std::numeric_limits<double>::quiet_NaN();

  bool resampled = false;  ///< whether the draws of the report are, by their weights
  bool weighted = false;   ///< whether the parameters' figures use the draws' weights
  std::vector<PosteriorParameter> parameters;
  std::size_t parameter_count = 0;  ///< of these, parameters; the rest is computed from them
  /// The last of them are generated quantities, whose figures come from the draws of the report.
  std::size_t generated_count = 0;
  /// Draws of the report some of whose generated quantities are NaN.
  TargetFailures failed_generations;
  /// Of the draws of the report, parameters and what is computed from them.
  MissingValues missing_values;
  /// Values for the draws of the report, row-major [draws][parameters], on their own scale.
  std::vector<double> values;
  std::vector<double> log_weights;  ///< of the same draws
  /// Of these, whose weights may be luckier or unluckier than those behind the figures; NaN and
  /// nothing where there are none, or where they were resampled.
  double kept_ess_fraction = std::numeric_limits<double>::quiet_NaN();
  std::optional<double> kept_khat;
};

}  // namespace riffle
