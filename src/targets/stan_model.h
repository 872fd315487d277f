#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "riffle/target.h"

namespace riffle {

struct StanModelOptions {
  std::uint64_t seed = 1;  ///< of random numbers in the model's transformed data; modulo 2^32
  /// Take the model for thread-safe though its library does not say STAN_THREADS=true.
  bool assume_thread_safe = false;
  bool generated_quantities = true;  ///< whether the target has those of the model
};

/// The posterior of a Stan model: a shared library with the C interface of BridgeStan 2
/// (https://roualdes.us/bridgestan/latest/languages/c-api.html). `data` is a path that ends in
/// ".json", or JSON text, or empty.
///
/// ln p holds every constant and the transforms' Jacobian, unless the library refuses to compute
/// the constants: then keeps_constants() is false. Values are the model's parameters and, after
/// them, its transformed parameters; what the model generates are its generated quantities, unless
/// the library has no random numbers (bs_rng_construct) for them. An evaluation that fails gives
/// NaN, is counted and its message kept; the gradient is NaN there too. What the model prints goes
/// to standard error.
///
/// Throws Error{no_input} where the library or the data file is missing, and Error{data} where the
/// library is not such a one, the data are not valid, the model refuses them (in its own words), or
/// has no parameters. A library that hangs or crashes takes the process with it.
std::unique_ptr<Target> load_stan_model(const std::filesystem::path& library,
                                        const std::string& data,
                                        const StanModelOptions& options = {});

}  // namespace riffle
