#include "run/posterior_run.h"

#include <utility>

#include "fit/external_target.h"
#include "riffle/run.h"
#include "run/inputs.h"
#include "run/run_folder.h"

namespace riffle {

std::optional<PosteriorRun> open_posterior_run(const std::filesystem::path& folder,
                                               std::vector<std::string>& warnings) {
  const auto spec = spec_of_run(folder);
  spec.validate();
  if (!reports_posterior(spec)) {
    if (spec.target.samples.empty()) check_inputs(folder, spec, warnings);
    return std::nullopt;
  }
  auto run = open_run(folder);
  warnings.insert(warnings.end(), run.warnings.begin(), run.warnings.end());
  auto trained = trained_model<double>(run.flow, InstructionSet::parse(spec.run.simd));
  return PosteriorRun{spec, std::move(run.target), std::move(run.flow), std::move(trained)};
}

}  // namespace riffle
