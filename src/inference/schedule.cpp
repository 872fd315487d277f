#include "inference/schedule.h"

#include <array>
#include <cmath>
#include <numbers>

namespace riffle {

std::span<const ScheduleEntry> schedule_registry() {
  static const std::array<ScheduleEntry, 4> registry{{
      {"constant", "the rate stays as it is", ScheduleKind::constant},
      {"exponential", "times `decay` at every iteration", ScheduleKind::exponential},
      {"cosine", "half a cosine down to `final_fraction` of the rate", ScheduleKind::cosine},
      {"steps", "times `decay` every `step_every` iterations", ScheduleKind::steps},
  }};
  return registry;
}

double Schedule::factor(std::uint64_t iteration) const {
  switch (kind) {
    case ScheduleKind::constant:
      return 1;
    case ScheduleKind::exponential:
      return std::pow(decay, static_cast<double>(iteration));
    case ScheduleKind::cosine: {
      const double along = static_cast<double>(iteration) / static_cast<double>(iterations);
      const double cosine = std::cos(std::numbers::pi * (along < 1 ? along : 1));
      return final_fraction + (1 - final_fraction) * 0.5 * (1 + cosine);
    }
    case ScheduleKind::steps:
      return std::pow(decay, static_cast<double>(iteration / step_every));
  }
  return 1;
}

}  // namespace riffle
