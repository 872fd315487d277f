#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "riffle/choices.h"
#include "riffle/posterior.h"
#include "riffle/target.h"
#include "riffle/trained_flow.h"

// What tells whether draws, flows and gradients are right. All functions here may be called from
// several threads at once; a target that is not thread_safe() must not be shared between the calls.

namespace riffle {

/// Pareto-smoothed importance sampling.
struct Psis {
  /// Shape k of the generalised Pareto distribution fitted to the largest weights. Infinite where
  /// it could not be fitted: then nothing is smoothed, and k tells nothing.
  double khat = 0;
  std::size_t tail = 0;  ///< how many weights it was fitted to
  /// ln w in the order of the input and on its scale (not normalised), the tail replaced by
  /// quantiles of the fit, none above the largest of the input.
  std::vector<double> smoothed;
};

/// Smooths importance weights given by their logarithms, for independent draws: A. Vehtari,
/// D. Simpson, A. Gelman, Y. Yao, J. Gabry, "Pareto smoothed importance sampling", JMLR 25 (2024),
/// algorithm 1; k by J. Zhang & M. A. Stephens (2009) with the paper's weak prior, which counts as
/// ten observations of k = 1/2.
///
/// The tail is what lies above the (M+1)-th largest weight, M = ⌈min(n/5, 3√n)⌉, or above the
/// smallest normal number times the largest weight. Ties with that weight are not in it, so it may
/// be shorter than M; with fewer than five weights nothing is fitted. NaN and +∞ are taken as
/// weights of zero.
Psis psis(std::span<const double> log_weights);

/// The largest k at which averages over n weighted draws are dependable: min(1 - 1/log10(n), 0.7),
/// from the same paper.
double khat_threshold(std::size_t n);

enum class AuditOutcome {
  ok,
  failed,
  not_checked,  ///< what it needs is not there, or rounding leaves nothing to tell
};

template <>
struct ChoiceNames<AuditOutcome> {
  static constexpr std::string_view kind = "outcome";
  static constexpr std::array<std::string_view, 3> all{"ok", "failed", "not checked"};
};

/// What one check of a flow found.
struct AuditResult {
  std::string name;
  std::string found;
  std::string bound;
  AuditOutcome outcome = AuditOutcome::ok;
  std::string note;  ///< how it was measured, or why not; may be empty
};

inline constexpr std::uint64_t most_audit_draws = 1'000'000;

struct AuditOptions {
  std::uint64_t seed = 1;
  std::uint64_t draws = 4096;  ///< for the checks that go over fresh draws; 1 ... most_audit_draws
};

/// Looks for what a trained flow could be wrong about: whether its map folds, its inverse is its
/// inverse, its log-det that of its Jacobian, ln q the same both ways, ∫q = 1, and whether numbers
/// stay right, or turn into none, far out. One result for each of these, in the order of the names
/// "injectivity", "round trip", "log-det", "ln q both ways", "normalisation", "extremes". Takes all
/// cores; the results do not depend on how many. Throws Error{usage} for a number of draws that is
/// out of range.
std::vector<AuditResult> audit(const TrainedFlow& flow, const AuditOptions& options = {});

inline constexpr std::uint64_t most_diagnosis_draws = 10'000'000;

struct DiagnosisOptions {
  /// 20,000 of a flow; of a run's folder 5 times those of the run.
  std::optional<std::uint64_t> draws;
  /// 1 of a flow; of a run's folder that of the run. The draws are new ones all the same.
  std::optional<std::uint64_t> seed;
  /// Whether chains of a sampler (riffle/sampling.h) that start from the flow's draws are heard,
  /// too.
  bool sampler = false;
};

/// Weighs fresh draws of a flow against a target, and judges by them: evidence, k̂, effective draws
/// and verdict (docs/verdict.md), without what a fit's search for modes would know. What is of
/// single draws (values, log_weights) is empty. A flow of floats is taken as it is in double
/// precision. Takes all cores, or one where the target is not thread-safe; the figures do not
/// depend on how many. Throws Error{usage} where dimensions or numbers of draws do not do.
PosteriorReport diagnose(const TrainedFlow& flow, const Target& target,
                         const DiagnosisOptions& options = {});

/// A derivative that is not that of ln p.
struct GradientFault {
  std::size_t coordinate = 0;  ///< from 0
  double at = 0;               ///< the coordinate's value
  double given = 0;            ///< the derivative that the target gives there
  double difference = 0;       ///< what differences of its ln p give
};

struct GradientCheck {
  std::optional<GradientFault> fault;  ///< the worst, by its error's share of the larger figure
  std::vector<GradientFault> faults;   ///< the worst of each coordinate that has any, in order
  std::size_t compared = 0;            ///< derivatives of which differences tell something
  std::size_t wrong = 0;               ///< of these
  std::size_t points = 0;              ///< that were looked at
  std::size_t outside = 0;             ///< others, where ln p is not finite
  std::size_t not_finite = 0;          ///< others, where ln p is finite and the gradient is not
  std::uint64_t evaluations = 0;

  /// Whether something was compared, and nothing is wrong.
  bool passed() const { return compared > 0 && wrong == 0 && not_finite == 0; }
};

struct GradientCheckOptions {
  std::uint64_t seed = 1;          ///< of the points
  std::size_t points = 8;          ///< 1 or more
  std::size_t coordinates = 1000;  ///< of each point at most; and one direction over all, if more
};

/// Compares a target's gradient with differences of its ln p, improved by Richardson's rule, at
/// points drawn uniformly from (-2, 2)^D. Only what differences of very unequal steps agree on
/// counts, at two places near each other, so that kinks, noise, rounding and edges of the support
/// are no faults. At most 25 evaluations for each derivative. Throws Error{usage} for no points or
/// coordinates; what the target throws goes through.
GradientCheck check_gradient(const Target& target, const GradientCheckOptions& options = {});

}  // namespace riffle
