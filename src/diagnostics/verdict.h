#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/importance.h"
#include "riffle/choices.h"

namespace riffle {

/// What is known of a fitted posterior. Draws behind the figures are fresh: not those that trained.
struct VerdictEvidence {
  Importance importance;
  /// Weighted against plain draws (largest_shift), best over the unconstrained coordinates, whose
  /// moments are the likelier to exist; NaN where not computed.
  double mean_shift = std::numeric_limits<double>::quiet_NaN();
  double sd_shift = std::numeric_limits<double>::quiet_NaN();
  double mean_shift_se = 0;  ///< what chance does to them: their standard errors
  double sd_shift_se = 0;

  /// The same draws together with some that reach wider than q (DefensiveDraws), where there are
  /// any: their weights and the evidence by them.
  struct Reached {
    Importance importance;
    Evidence evidence;
  };
  std::optional<Reached> reached;

  struct Shift {
    double off = 0;
    double se = 0;  ///< what chance does to it
  };
  /// Draws of p by a sampler that started from draws of q, and what both say together.
  struct Sampler {
    std::uint64_t chains = 0;
    std::uint64_t length = 0;  ///< draws of each
    double r_hat = 0;          ///< the worst over the unconstrained coordinates
    double ess_bulk = 0;
    double ess_tail = 0;
    std::size_t coordinate = 0;  ///< of that R̂, from 0
    /// Whether they went on for as long as it takes with a q that is nearly right: that they have
    /// not converged speaks against it then.
    bool long_enough = false;
    double failed = 0;  ///< share of the proposals without a finite number on their way
    Evidence bridge{};  ///< NaN where there is none
    bool bridge_holds = false;
    /// Weighted draws of q against those of p: means in sds of p, and ln of the ratio of sds, of
    /// the coordinate where it is most beyond what chance does.
    Shift mean_shift{};
    Shift sd_shift{};
  };
  std::optional<Sampler> sampler;
  static bool converged(const Sampler& sampler) {
    return sampler.r_hat <= most_r_hat &&
           std::min(sampler.ess_bulk, sampler.ess_tail) >= least_ess_of_chains;
  }
  /// Of chains whose draws are used. Of m of them that have converged R̂ is about √(1 +
  /// 2m/ESS): 1.01 for four chains is 400 effective draws, 1.03 for 64 is 2,100. A chain of 64 that
  /// is stuck two sds off has R̂ at 1.03 and the effective draws of long chains below 1,000.
  static constexpr double most_r_hat = 1.03;
  static constexpr double least_ess_of_chains = 1000;
  /// By particles that start from a normal wider than the draws (wide_evidence); NaN without.
  Evidence wide{std::numeric_limits<double>::quiet_NaN(), 0};
  bool draws_by_sampler = false;  ///< whether it is those draws that are judged

  /// Fits that started or were seeded independently, this one among them. Fewer than two say
  /// nothing.
  std::vector<Evidence> fits;
  /// Share of the starts whose mode no other start met: Good's estimate of the chance that one more
  /// start finds a new mode.
  std::optional<double> unseen_modes;
  /// Whether modes are known that hold more than a negligible part of the evidence and that q does
  /// not cover.
  bool modes_left_out = false;
  bool keeps_constants = true;    ///< of the target
  bool injective = true;          ///< of the flow; where not, ln q is not the density of the draws
  bool budget_exhausted = false;  ///< the fit was stopped before it said that it was done
  /// As many as were to judge it, where the budget did for fewer; otherwise 0.
  std::uint64_t draws_wanted = 0;
  /// Of the whole fit, search and training included.
  std::uint64_t evaluations = 0;
  std::uint64_t failed_evaluations = 0;  ///< of these, those that gave no number
  std::string first_failure;             ///< what the target said of the first; may be empty
  /// Draws, of those behind the figures, without the value that most of them lack, of the values
  /// that some have: those for which constrain() gives NaN.
  std::uint64_t without_value = 0;
  std::string value;          ///< that one
  std::string value_of_none;  ///< a parameter that no draw has; empty where there is none
};

/// What a user may do with the draws, and why, in plain sentences with figures: first what decided
/// the grade, then what else a reader should know.
struct Verdict {
  Grade grade = Grade::unreliable;
  std::vector<std::string> reasons;
};

/// Whether ln p is so large that its differences are lost: no q has weights that mean anything.
bool lost_in_rounding(const Importance& importance);

/// The rules are in docs/verdict.md.
Verdict judge(const VerdictEvidence& evidence);

}  // namespace riffle
