#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/executor.h"
#include "flows/flow_model.h"

namespace riffle {

enum class AuditOutcome {
  ok,
  failed,
  not_checked,  ///< what it needs is not there, or rounding leaves nothing to tell
};

/// What one check of a flow found.
struct AuditResult {
  std::string name;
  std::string found;
  std::string bound;
  AuditOutcome outcome = AuditOutcome::ok;
  std::string note;  ///< how it was measured, or why not; may be empty
};

struct AuditOptions {
  std::uint64_t seed = 1;
  std::uint64_t draws = 4096;  ///< for the checks that go over fresh draws; 1 ... most_audit_draws
};

inline constexpr std::uint64_t most_audit_draws = 1'000'000;

/// Looks for what a trained flow could be wrong about: whether its map folds, its inverse is its
/// inverse, its log-det that of its Jacobian, ln q the same both ways, ∫q = 1, and whether numbers
/// stay right, or turn into none, far out. One result for each of these, in the order of the
/// names "injectivity", "round trip", "log-det", "ln q both ways", "normalisation", "extremes".
///
/// `exact` is the same flow in double precision, as a rule of the scalar instruction set, so that
/// it shares no compiled kernel with `model`. What is deemed right is within a tolerance of the
/// precision, on top of what rounding alone explains: 32 times as far as a result moves when
/// parameters and inputs are disturbed by four of their roundings. Where that is more than a
/// hundredth, a draw is left out. The results do not depend on the number of threads.
template <class T>
std::vector<AuditResult> audit(const FlowModel<T>& model, const FlowModel<double>& exact,
                               std::span<const T> params, const AuditOptions& options,
                               Executor& executor);

}  // namespace riffle
