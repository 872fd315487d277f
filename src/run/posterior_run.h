#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/trained_model.h"
#include "riffle/spec.h"
#include "riffle/target.h"
#include "riffle/trained_flow.h"

namespace riffle {

/// A run of a posterior, read from its folder.
struct PosteriorRun {
  Spec spec;
  std::unique_ptr<Target> target;
  TrainedFlow flow;
  TrainedModel<double> trained;  ///< the flow's, on the instruction set of the spec
};

/// Nothing where the run is not one of a posterior (posterior_target). Throws Error{no_input} where
/// there is no run or a library is gone, Error{data} where flow and target do not go together, and
/// as check_inputs does, which may add to `warnings`.
std::optional<PosteriorRun> open_posterior_run(const std::filesystem::path& folder,
                                               std::vector<std::string>& warnings);

}  // namespace riffle
