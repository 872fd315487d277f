#pragma once

#include <atomic>
#include <filesystem>
#include <functional>

#include "riffle/spec.h"

namespace riffle {

// Both make all fits of the figure, with a line for each, and return the exit code.

int run_fit_figure3(const Spec& spec, const std::filesystem::path& folder,
                    const std::atomic<bool>& stop);

/// Goes on with the figure in a folder; `change` as for resume_figure3.
int run_resume_figure3(const std::filesystem::path& folder,
                       const std::function<void(Spec&)>& change, const std::atomic<bool>& stop);

}  // namespace riffle
