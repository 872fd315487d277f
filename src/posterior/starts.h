#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/executor.h"
#include "model/flow_model.h"
#include "posterior/assessment.h"
#include "posterior/metered_density.h"
#include "posterior/staged_fit.h"
#include "riffle/fit.h"
#include "riffle/posterior.h"

namespace riffle {

/// A staged fit and what draws of it say.
struct Start {
  StagedFit fit;
  Weighed weighed;  ///< compared with the other starts
  PosteriorStart told;
};

/// What draws say of a fit by itself.
PosteriorStart start_of(const Weighed& weighed);

/// What the verdict is to compare of several fits, the kept one first: the evidence of those that
/// can be used. Of one that cannot, only its bound says something, and only where that is above the
/// evidence of the kept one. Where the kept one is of no use itself, that of all.
std::vector<Evidence> compared(const std::vector<PosteriorStart>& starts);

struct FitFromStarts {
  Start kept;
  std::vector<PosteriorStart> all;  ///< the kept one first; empty where there was no other
  std::vector<PosteriorStage> stages;
  std::vector<BoundPoint> trace;
  std::uint64_t steps = 0;  ///< of optimizers
};

/// Fits from independent starts: spec.run.fits of them, and up to three while none is of use. The
/// one that is kept has the highest bound, not the best verdict: of several fits that are alike,
/// one may get a good one by chance. One that a sampler confirms takes the place of one of no use.
/// A later start that is interrupted, or cut off by the budget, does not count. `judged` is how
/// each is; `on_flow` may be empty, and gets the best flow so far. Throws as staged_fit does.
FitFromStarts fit_from_starts(const Spec& spec, const Target& target, const MeteredDensity& density,
                              Executor& executor, const FitCallbacks& callbacks,
                              const std::function<void(const TrainedFlow&)>& on_flow,
                              const AssessmentOptions& judged);

}  // namespace riffle
