#include "riffle/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "core/executor.h"
#include "fit/training.h"
#include "io/files.h"
#include "io/folder_lock.h"
#include "posterior/assessment.h"
#include "posterior/metered_density.h"
#include "posterior/second_opinion.h"
#include "posterior/starts.h"
#include "riffle/error.h"
#include "riffle/spec.h"
#include "run/posterior_run.h"
#include "run/run_folder.h"
#include "run/summary.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

constexpr std::uint64_t times_those_of_the_run = 5;

std::string why_no_posterior(const Spec& spec) {
  if (spec.run.method == Method::figure3) return "it is a figure of fits to known densities";
  if (!spec.target.samples.empty()) {
    return "it learned the density of samples, which have no density to compare with";
  }
  if (spec.run.precision != Precision::float64) return "it is in float; fit the target in double";
  return fmt::format("{} was fitted for its bound alone; fit it with --method staged",
                     spec.target.name);
}

std::uint64_t draws_of(const DiagnosisOptions& options, const Spec& spec) {
  if (!options.draws) {
    return std::min(times_those_of_the_run * spec.run.evaluation_draws, most_diagnosis_draws);
  }
  if (*options.draws == 0 || *options.draws > most_diagnosis_draws) {
    throw Error(ErrorKind::usage, fmt::format("{} draws to diagnose by: 1 to {} are possible",
                                              *options.draws, most_diagnosis_draws));
  }
  return *options.draws;
}

}  // namespace

Diagnosis diagnose_folder(const std::filesystem::path& folder, const DiagnosisOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto spec = spec_of_run(folder);
  const FolderLock lock(folder, FolderLock::Kind::shared, folder);
  const auto here = std::filesystem::absolute(folder);  // whatever working folder the target leaves
  const auto draws = draws_of(options, spec);
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorKind::usage, fmt::format("the run in {} {}", folder.string(), why));
  };
  const auto no_posterior = [&] { refuse("is not one of a posterior: " + why_no_posterior(spec)); };
  if (spec.run.method == Method::figure3) no_posterior();  // its summary is of another kind
  const auto record = read_summary(folder / run_files::summary);
  if (!record) {
    refuse(fmt::format("is not finished: `riffle fit {} --resume` goes on", folder.string()));
  }
  std::vector<std::string> warnings;
  const auto run = record->fit.posterior ? open_posterior_run(folder, warnings) : std::nullopt;
  if (!run) no_posterior();

  const auto& target = *run->target;
  const UserDensity plain(target);
  const MeteredDensity density(plain);
  Executor executor(threads_of(spec, target));
  const auto& search = *record->fit.posterior;
  VerdictEvidence known;
  known.unseen_modes = search.unseen_modes;
  known.modes_left_out = search.modes_left_out;
  known.budget_exhausted = search.out_of_budget;
  const auto seed = options.seed.value_or(spec.run.seed);
  const AssessmentOptions fresh{.seed = seed, .number = 1, .draws = draws, .kept_draws = 0};
  const auto& model = *run->trained.model;
  const auto& params = run->trained.params;
  auto weighed = weigh(model, params, target, density, std::move(known), fresh, executor);
  // What was kept because chains had converged is judged by chains.
  const bool by_sampler = search.draws_by == DrawsBy::sampler;
  if (options.sampler || by_sampler) {
    hear_chains(run->trained, weighed, density, {.seed = seed, .judged = by_sampler}, executor);
  }
  auto starts = search.starts;
  if (!starts.empty()) {
    starts.front() = start_of(weighed);
    weighed.evidence.fits = compared(starts);
  }
  auto posterior = assess(model, params, target, density, weighed, fresh, executor).report;
  posterior.climbs = search.climbs;
  posterior.modes = search.modes;
  add_cost(posterior, spent_on(target, density, {}),
           std::chrono::duration<double>(Clock::now() - start).count());
  Diagnosis diagnosis{target.name(),        run->flow,          seed, target.log_z(),
                      std::move(posterior), std::move(warnings)};
  write_file(here / run_files::diagnosis, diagnosis_json(diagnosis));
  return diagnosis;
}

}  // namespace riffle
