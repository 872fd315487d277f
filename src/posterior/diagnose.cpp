#include <fmt/format.h>

#include <chrono>

#include "core/cores.h"
#include "core/executor.h"
#include "model/trained_model.h"
#include "posterior/assessment.h"
#include "posterior/metered_density.h"
#include "posterior/second_opinion.h"
#include "riffle/diagnostics.h"
#include "riffle/error.h"
#include "targets/user_target.h"

namespace riffle {

PosteriorReport diagnose(const TrainedFlow& flow, const Target& target,
                         const DiagnosisOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto draws = options.draws.value_or(20'000);
  if (draws == 0 || draws > most_diagnosis_draws) {
    throw Error(ErrorKind::usage, fmt::format("{} draws to diagnose by: 1 to {} are possible",
                                              draws, most_diagnosis_draws));
  }
  check_target(target);
  const auto& d = flow.definition();
  if (d.dim != target.dim()) {
    throw Error(ErrorKind::usage, fmt::format("the flow has {} dimensions, but {} has {}", d.dim,
                                              target.name(), target.dim()));
  }
  const auto trained = trained_model<double>(flow, InstructionSet::best());
  const UserDensity plain(target);
  const MeteredDensity density(plain);
  Executor executor(target.thread_safe() ? usable_cores() : 1);
  const AssessmentOptions fresh{
      .seed = options.seed.value_or(1), .number = 1, .draws = draws, .kept_draws = 0};
  auto weighed = weigh(*trained.model, trained.params, target, density, {}, fresh, executor);
  if (options.sampler) hear_chains(trained, weighed, density, {.seed = fresh.seed}, executor);
  auto report =
      assess(*trained.model, trained.params, target, density, weighed, fresh, executor).report;
  add_cost(report, spent_on(target, density, {}),
           std::chrono::duration<double>(Clock::now() - start).count());
  return report;
}

}  // namespace riffle
