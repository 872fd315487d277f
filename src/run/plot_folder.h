#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pictures/plots.h"

namespace riffle {

/// Draws the pictures of a finished run again, from what is in its folder; the page of a posterior
/// with the parameters that are named, or with those that a reader looks for first. Throws
/// Error{no_input} where there is no run or a file is gone, Error{usage} where a staged fit is not
/// finished and for parameters that are not there, and Error{data} where a file is damaged or they
/// do not go together.
PlotReport plot_folder(const std::filesystem::path& folder,
                       const std::vector<std::string>& parameters = {});

/// Throws Error{usage} where parameters are named: the run in `folder` is of no posterior, whose
/// page would show them.
void refuse_parameters(const std::filesystem::path& folder,
                       const std::vector<std::string>& parameters);

}  // namespace riffle
