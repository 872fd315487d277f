#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/executor.h"
#include "core/instruction_set.h"
#include "model/trained_model.h"
#include "posterior/assessment.h"
#include "posterior/metered_density.h"
#include "posterior/sampler.h"
#include "riffle/target.h"

namespace riffle {

struct SecondOpinionOptions {
  AssessmentOptions assessment;  ///< as those by which q was weighed
  std::uint64_t seed = 1;
  /// Whether there are: chains do not go from one to the other, and cannot confirm what can be
  /// used.
  bool several_modes = false;
  /// Whether so many more evaluations of the target are too many.
  std::function<bool(std::uint64_t next)> stop = [](std::uint64_t) { return false; };
  std::function<void(const std::string& what)> on_activity = [](const std::string&) {};
  InstructionSet set{};
  /// Chains that have converged already, by q or a model before it; may be null.
  const Sampled* known = nullptr;
  bool prefer_known = false;  ///< to draws of q with weights
};

/// Draws of q cannot show what q misses; draws of p by a sampler can, where they get there.
///
/// A q that can be used, by its weights, is compared with a short run of chains (VerdictEvidence::
/// Sampler), which may say that it cannot. Where it cannot, long chains follow, in coordinates that
/// they whiten by themselves. Where these have converged, what comes out of them replaces `q` and
/// `weighed`: the model of those coordinates, where its draws can be used as they are; otherwise
/// the draws of the chains. Where not, q stays, and what was found is heard.
///
/// Returns what was done, for people; empty where nothing was.
std::string second_opinion(TrainedModel<double>& q, Weighed& weighed, const Target& target,
                           const MeteredDensity& density, const SecondOpinionOptions& options,
                           Executor& executor);

struct ChainsHeard {
  std::uint64_t seed = 1;
  bool judged = false;  ///< whether it is their draws that are judged, not those of q
  std::function<bool(std::uint64_t next)> stop = [](std::uint64_t) { return false; };
};

/// Lets long chains that start from q be heard in `weighed`. Returns whether there are any.
bool hear_chains(const TrainedModel<double>& q, Weighed& weighed, const MeteredDensity& density,
                 const ChainsHeard& options, Executor& executor);

}  // namespace riffle
