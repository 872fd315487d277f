#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "io/files.h"
#include "riffle/error.h"
#include "riffle/run.h"
#include "riffle/targets.h"
#include "run/inputs.h"
#include "run/run_folder.h"

namespace riffle {

Run open_run(const std::filesystem::path& folder) {
  auto spec = spec_of_run(folder);
  spec.validate();
  std::vector<std::string> warnings;
  const bool of_points = !spec.target.samples.empty();
  if (!of_points) check_inputs(folder, spec, warnings);
  const auto model_file = std::filesystem::absolute(model_of(folder));
  const auto summary_file = std::filesystem::absolute(folder / run_files::summary);
  auto target = of_points ? nullptr : spec_target(spec);  // which may leave the working folder
  auto flow = TrainedFlow::load(model_file);
  if (target != nullptr && flow.dim() != target->dim()) {
    throw Error(ErrorKind::data,
                fmt::format("the flow in {} has {} dimensions, but {} has {}: is it another model, "
                            "or are its data others?",
                            folder.string(), flow.dim(), target->name(), target->dim()));
  }
  std::error_code error;
  auto summary =
      std::filesystem::exists(summary_file, error) ? read_file(summary_file) : std::string();
  return {std::move(spec), std::move(flow), std::move(target), std::move(summary),
          std::move(warnings)};
}

}  // namespace riffle
