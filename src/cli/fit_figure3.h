#pragma once

#include <atomic>
#include <filesystem>

#include "riffle/spec.h"

namespace riffle {

/// `riffle fit figure3`: all fits of the figure, with a line for each; returns the exit code.
int run_fit_figure3(const Spec& spec, const std::filesystem::path& folder,
                    const std::atomic<bool>& stop);

}  // namespace riffle
