#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "posterior/metered_density.h"

namespace riffle {

/// The fewest draws that a fit is judged by, however little is left for them: with fewer, hardly
/// any fit could show the effective draws that a verdict asks for.
inline constexpr std::uint64_t least_final_draws = 1000;

struct BudgetLimits {
  double seconds = std::numeric_limits<double>::infinity();
  std::uint64_t evaluations = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t final_draws = 0;  ///< that are to judge the fit, and to be kept, in the end
};

/// What a fit may spend on its target. So that it ends inside its limits with a verdict, a part is
/// set aside for the final draws: as much as they take, but no more than a fifth of the limit,
/// unless `least_final_draws` take more, and never more than half of it. The time that evaluations
/// are going to take is told from those that were made.
class Budget {
 public:
  /// Time counts from here on. `threads` are those that share out tiles of draws.
  Budget(const MeteredDensity& target, const BudgetLimits& limits, std::size_t threads);

  double seconds() const;
  /// Whether there is time for `next` more evaluations, in tiles, besides what is set aside. May be
  /// asked by several threads at once.
  bool has_time(std::uint64_t next = 0) const;
  /// The same of the number of evaluations: the same on any number of threads.
  bool has_evaluations(std::uint64_t next) const;
  bool allows(std::uint64_t next) const { return has_evaluations(next) && has_time(next); }
  /// Evaluations that are left by their own limit, set aside or not.
  std::uint64_t evaluations_left() const;
  /// Evaluations, in tiles, that all of what is left does for, set aside or not.
  std::uint64_t left() const;

 private:
  using Clock = std::chrono::steady_clock;

  double seconds_of(std::uint64_t evaluations) const;

  const MeteredDensity* target_;
  BudgetLimits limits_;
  std::uint64_t threads_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace riffle
