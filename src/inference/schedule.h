#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "core/expression.h"

namespace riffle {

/// The factor on the initial learning rate at iteration 0, 1, ...: a function of the iteration
/// alone, so that a run can go on from anywhere.
using Schedule = std::function<double(std::uint64_t iteration)>;

/// One line of the registry.
struct ScheduleEntry {
  std::string_view name;
  std::string_view summary;
  std::span<const Option> options;
  Schedule (*make)(const Arguments&, std::uint64_t iterations);
};

std::span<const ScheduleEntry> schedule_registry();

/// The schedule of a run of so many iterations that a text such as "cosine(final_fraction=0)"
/// stands for; throws as choose() does.
Schedule make_schedule(std::string_view text, std::uint64_t iterations);

}  // namespace riffle
