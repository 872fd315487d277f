#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "riffle/target.h"

namespace riffle {

struct Spec;  // riffle/spec.h

/// What a built-in target can be given; what is not has its default.
struct BuiltInTargetOptions {
  std::optional<std::size_t> dim;                      ///< where the target leaves it open
  std::map<std::string, double, std::less<>> numbers;  ///< the target's own options
  std::string data;  ///< the file of a target that needs data, such as logistic: a table
};

/// A target of docs/targets.md by its name. Safe to use from several threads at once. Throws
/// Error{usage} for an unknown name, naming the nearest, and for options that it has not or that
/// are out of range, Error{data} for data that it cannot use, and as reading their file does.
std::unique_ptr<Target> built_in_target(std::string_view name,
                                        const BuiltInTargetOptions& options = {});

/// Their names.
std::vector<std::string> built_in_targets();

struct StanModelOptions {
  std::uint64_t seed = 1;  ///< of random numbers in the model's transformed data; modulo 2^32
  /// Take the model for thread-safe though its library does not say STAN_THREADS=true.
  bool assume_thread_safe = false;
  bool generated_quantities = true;  ///< whether the target has those of the model
  bool quiet = false;  ///< of a program that is compiled, say nothing of the time that it takes
  /// The program itself drops no constants (all of it is `target += ..._lpdf`), so that ln p has
  /// them though the library refuses to compute any.
  bool assume_constants = false;
};

/// The posterior of a Stan model: a shared library with the C interface of BridgeStan 2
/// (https://roualdes.us/bridgestan/latest/languages/c-api.html), or a program, MODEL.stan, which is
/// compiled where the user's cache does not have it (docs/stan.md). `data` is a path that ends in
/// ".json", or JSON text, or empty.
///
/// ln p holds every constant and the transforms' Jacobian, unless the library refuses to compute
/// the constants: then keeps_constants() is `assume_constants`. Values are the model's parameters
/// and, after them, its transformed parameters; what the model generates are its generated
/// quantities, unless the library has no random numbers (bs_rng_construct) for them. An evaluation
/// that fails gives NaN, is counted and its message kept; the gradient is NaN there too. What the
/// model prints goes to standard error.
///
/// Throws Error{no_input} where the library or the data file is missing, and Error{data} where the
/// library is not such a one, the data are not valid, the model refuses them (in its own words), or
/// has no parameters. A library that hangs or crashes takes the process with it.
std::unique_ptr<Target> load_stan_model(const std::filesystem::path& library,
                                        const std::string& data,
                                        const StanModelOptions& options = {});

struct PluginOptions {
  /// Take the plug-in for thread-safe though it does not say so.
  bool assume_thread_safe = false;
};

/// A target from a shared library with the interface of riffle/plugin.h. A point whose status is
/// not 0 gets a log density and gradient of NaN, is counted, and the message of the first is kept.
///
/// Throws Error{no_input} where the library is missing, and Error{data} where it is no plug-in, was
/// compiled for another version of the interface, or refuses the data (in its own words).
std::unique_ptr<Target> load_plugin(const std::filesystem::path& library, const std::string& data,
                                    const PluginOptions& options = {});

/// The target that a spec names, of any of these kinds or a formula. Throws as these do, and
/// Error{usage} where the spec names points or figure 3.
std::unique_ptr<Target> spec_target(const Spec& spec);

}  // namespace riffle
