#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "riffle/target.h"

namespace riffle {

struct PluginOptions {
  /// Take the plug-in for thread-safe though it does not say so.
  bool assume_thread_safe = false;
};

/// A target from a shared library with the interface of include/riffle/plugin.h. A point whose
/// status is not 0 gets a log density and gradient of NaN, is counted, and the message of the first
/// is kept.
///
/// Throws Error{no_input} where the library is missing, and Error{data} where it is no plug-in, was
/// compiled for another version of the interface, or refuses the data (in its own words).
std::unique_ptr<Target> load_plugin(const std::filesystem::path& library, const std::string& data,
                                    const PluginOptions& options = {});

}  // namespace riffle
