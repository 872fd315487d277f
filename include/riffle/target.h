#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "riffle/tile.h"

namespace riffle {

/// Evaluations of a target that failed, over its life so far.
struct TargetFailures {
  std::uint64_t count = 0;
  std::string first_message;  ///< of the first of them; empty where there was none
};

/// Computes the generated quantities of a target, draw after draw, with random numbers of its own:
/// the same seed and draws give the same bits. Belongs to one thread, and must not outlive its
/// target.
class Generator {
 public:
  virtual ~Generator() = default;
  /// values[generated_names().size()], overwritten, from z[dim]. Values that cannot be computed are
  /// NaN.
  virtual void generate(std::span<const double> z, std::span<double> values) = 0;
  /// Draws so far that have values that are NaN, and why the first has them.
  virtual TargetFailures failures() const = 0;
};

/// An unnormalised log density on R^dim with its gradient, in double precision: a function of the
/// caller's, a plug-in, a Stan model or a built-in density. Where the parameters of interest live
/// on another space, z are their unconstrained values and ln p holds the Jacobian's logarithm.
///
/// An exception ends the run and reaches the caller of `fit`. A point outside the support, or where
/// the evaluation fails, gives a log density that is not finite: such draws are counted and left
/// out, never taken in silence.
class Target {
 public:
  virtual ~Target() = default;
  virtual std::size_t dim() const = 0;
  /// log_density[s] = ln p(z_s) and gradient(d, s) = ∂ln p/∂z_d at z_s, for s < z.count(), both
  /// overwritten.
  virtual void evaluate(Tile<const double> z, std::span<double> log_density,
                        Tile<double> gradient) const = 0;
  /// ln ∫p, where it is known: then a fit reports its KL divergence.
  virtual std::optional<double> log_z() const { return std::nullopt; }

  /// Whether evaluate() and constrain() may be called from several threads at once. Where not, a
  /// fit runs on one thread.
  virtual bool thread_safe() const { return true; }
  /// Whether ln p holds all of its constants, so that ln ∫p is the evidence of a model. Where not,
  /// it is known up to an unknown constant.
  virtual bool keeps_constants() const { return true; }
  virtual TargetFailures failures() const { return {}; }
  /// What reports call it.
  virtual std::string name() const { return "user"; }
  /// Where it comes from, in a line for the summary of a run; empty where there is nothing to tell.
  virtual std::string description() const { return {}; }

  /// Names of what constrain() gives, in its order; those of one array follow each other, in
  /// column-major order with indices from 1, such as a.1.2. By default z.1, ..., z.dim.
  virtual std::vector<std::string> parameter_names() const;
  /// How many of these, from the first on, are parameters; the rest are computed from them.
  virtual std::size_t parameter_count() const { return parameter_names().size(); }
  /// theta[parameter_names().size()], overwritten, from z[dim]. By default a copy. Values that
  /// cannot be computed are NaN.
  virtual void constrain(std::span<const double> z, std::span<double> theta) const;
  /// The inverse: z[dim], overwritten, from parameters theta[parameter_count()]. Where these are
  /// outside the support, some of z are not finite. False where the target has no inverse. By
  /// default a copy, where constrain() makes one.
  virtual bool unconstrain(std::span<const double> theta, std::span<double> z) const;

  /// Names, as those of parameters are, of what is computed for the draws of a report alone and may
  /// be random, such as predictions and the log-likelihoods of observations. By default none.
  virtual std::vector<std::string> generated_names() const { return {}; }
  /// Computes them; null where there are none.
  virtual std::unique_ptr<Generator> generator(std::uint64_t /*seed*/) const { return nullptr; }
};

/// ln p at one point z[dim], whose gradient is written to gradient[dim].
using LogDensity = std::function<double(std::span<const double> z, std::span<double> gradient)>;

/// A target from a function of one point. Throws Error{usage} where dim is 0, or there is no
/// function.
std::unique_ptr<Target> make_target(std::size_t dim, LogDensity log_density,
                                    std::optional<double> log_z = std::nullopt);

}  // namespace riffle
