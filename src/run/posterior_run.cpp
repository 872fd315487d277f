#include "run/posterior_run.h"

#include <fmt/format.h>

#include <utility>

#include "riffle/error.h"
#include "run/external_target.h"
#include "run/inputs.h"
#include "run/run_folder.h"

namespace riffle {

std::optional<PosteriorRun> open_posterior_run(const std::filesystem::path& folder,
                                               std::vector<std::string>& warnings) {
  auto spec = spec_of_run(folder);
  spec.validate();
  if (!spec.target.samples.empty()) return std::nullopt;
  check_inputs(folder, spec, warnings);
  const auto model_file = std::filesystem::absolute(folder / run_files::model);
  auto target = posterior_target(spec);  // which may leave the working folder
  if (target == nullptr) return std::nullopt;
  auto flow = TrainedFlow::load(model_file);
  const auto& d = flow.definition();
  if (d.dim != target->dim()) {
    throw Error(ErrorKind::data,
                fmt::format("the flow in {} has {} dimensions, but {} has {}: is it another model, "
                            "or are its data others?",
                            folder.string(), d.dim, target->name(), target->dim()));
  }
  auto model = make_model<double>(d.base, parse_flow(d.layers),
                                  {d.dim, 0, InstructionSet::parse(spec.run.simd)});
  return PosteriorRun{std::move(spec), std::move(target), std::move(flow), std::move(model)};
}

}  // namespace riffle
