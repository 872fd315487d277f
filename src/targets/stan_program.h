#pragma once

#include <atomic>
#include <filesystem>

namespace riffle {

/// Whether a path names a Stan program, MODEL.stan, and not the library that was compiled of one.
bool is_stan_program(const std::filesystem::path& path);

struct StanCompilerOptions {
  bool quiet = false;  ///< say nothing of the time that it takes
  /// Where it is set meanwhile, the compiler is ended.
  const std::atomic<bool>* stop = nullptr;
};

/// The library of a Stan program, which load_stan_model takes: from the user's cache, or else
/// compiled into it by tools/stan_model.sh, which needs R and Stan or BridgeStan. What that says,
/// of what it does and of what is wrong, goes to standard error. The script is the one that
/// RIFFLE_STAN_COMPILER names, or the one that came with the program.
///
/// Throws Error{no_input} where the program, the script or Stan is missing, Error{data} where the
/// program does not compile or the compiler was ended, and Error{cannot_create} where there is no
/// cache.
std::filesystem::path compile_stan_program(const std::filesystem::path& program,
                                           const StanCompilerOptions& options = {});

}  // namespace riffle
