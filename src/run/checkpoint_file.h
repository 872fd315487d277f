#pragma once

#include <filesystem>
#include <string>

#include "fit/checkpoint.h"

namespace riffle {

/// Writes and reads a checkpoint; `spec` is the text of the effective spec, which must be the same
/// on reading. Reading throws Error{data} for a file that is damaged or of another run.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint,
                     const std::string& spec);
Checkpoint load_checkpoint(const std::filesystem::path& path, const std::string& spec);

}  // namespace riffle
