#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "riffle/tile.h"

namespace riffle {

/// A user's unnormalised log density on R^dim with its gradient, in double precision.
///
/// It is evaluated from several threads at once. An exception ends the run and reaches the caller
/// of `fit`. A point outside the support, or where the evaluation fails, gives a log density that
/// is not finite: such draws are counted and left out, never taken in silence.
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
};

/// ln p at one point z[dim], whose gradient is written to gradient[dim].
using LogDensity = std::function<double(std::span<const double> z, std::span<double> gradient)>;

/// A target from a function of one point.
std::unique_ptr<Target> make_target(std::size_t dim, LogDensity log_density,
                                    std::optional<double> log_z = std::nullopt);

}  // namespace riffle
