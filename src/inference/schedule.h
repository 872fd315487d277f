#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/expression.h"

namespace riffle {

enum class ScheduleKind { constant, exponential, cosine, steps };

/// One line of the registry.
struct ScheduleEntry {
  std::string_view name;
  std::string_view summary;
  ScheduleKind kind;
  std::span<const Option> options{};  ///< keys of a spec's section `schedule`, with their defaults
};

std::span<const ScheduleEntry> schedule_registry();

/// The learning rate as a function of the iteration alone, so that a run can go on from anywhere.
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  double decay = 0.999;             ///< exponential: factor at every iteration; steps: at each step
  std::uint64_t step_every = 1000;  ///< steps: iterations between two of them
  double final_fraction = 0.01;     ///< cosine: rate at the end, as a fraction of the first
  std::uint64_t iterations = 1;     ///< cosine: length of the run

  /// The factor on the initial rate at iteration 0, 1, ...
  double factor(std::uint64_t iteration) const;
};

}  // namespace riffle
