#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/draws.h"
#include "riffle/posterior.h"
#include "riffle/target.h"

namespace riffle {

/// What a table of draws has of a target: parameters on their own scale, with what is computed from
/// them, and, after them, generated quantities.
class DrawValues {
 public:
  /// Generated quantities from random numbers of this seed, or none. `target` must outlive this.
  DrawValues(const Target& target, std::optional<std::uint64_t> seed);

  const std::vector<std::string>& names() const { return names_; }
  std::size_t generated_count() const { return names_.size() - parameters_; }

  /// values[names().size()], overwritten, of the draw z[dim], which comes after that of the last
  /// call. A value that cannot be computed is NaN.
  void next(std::span<const double> z, std::span<double> values);
  /// Those of draws one after another, row-major [draws][names].
  std::vector<double> next(const Draws& draws);

  /// Draws some of whose generated quantities are NaN.
  TargetFailures failures() const;
  /// Values of the draws so far, other than generated quantities, that are NaN.
  MissingValues missing() const;

 private:
  const Target& target_;
  std::vector<std::string> names_;
  std::size_t parameters_;
  std::unique_ptr<Generator> generator_;
  std::uint64_t draws_ = 0;
  std::vector<std::uint64_t> missing_;  ///< draws without each of the parameters
};

}  // namespace riffle
