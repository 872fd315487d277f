#pragma once

#include <filesystem>

#include "io/plots.h"

namespace riffle {

/// Draws the pictures of a finished run again, from what is in its folder. Throws Error{no_input}
/// where there is no run or a file is gone, Error{usage} where a staged fit is not finished, and
/// Error{data} where a file is damaged or they do not go together.
PlotReport plot_folder(const std::filesystem::path& folder);

}  // namespace riffle
