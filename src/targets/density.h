#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "lanes/dual.h"
#include "riffle/tile.h"

namespace riffle {

/// An unnormalised log density on R^dim with its gradient, in precision T (float, double, or Dual
/// for tests). Immutable; evaluated from several threads at once.
template <class T>
class Density {
 public:
  explicit Density(std::size_t dim) : dim_(dim) {}
  virtual ~Density() = default;
  Density(const Density&) = delete;
  Density& operator=(const Density&) = delete;
  std::size_t dim() const { return dim_; }

  /// log_density[s] = ln p(z_s) and gradient(d, s) = ∂ln p/∂z_d at z_s, both overwritten, for
  /// s < z.count() and the rest of their lanes. A point outside the support, or where the
  /// evaluation fails, gives a log density that is not finite; that is a status for the caller to
  /// count, and the gradient there means nothing.
  void evaluate(Tile<const T> z, T* log_density, Tile<T> gradient) const;

 private:
  virtual void evaluate_impl(Tile<const T> z, T* log_density, Tile<T> gradient) const = 0;

  std::size_t dim_;
};

}  // namespace riffle
