#include "inference/schedule.h"

#include <array>
#include <cmath>
#include <numbers>

namespace riffle {

namespace {

constexpr Option decay{"decay", "0.999", "factor"};
constexpr Option of_exponential[] = {decay};
constexpr Option of_cosine[] = {{"final_fraction", "0.01", "of the rate, at the end"}};
constexpr Option of_steps[] = {decay, {"step_every", "1000", "iterations"}};

}  // namespace

std::span<const ScheduleEntry> schedule_registry() {
  static const std::array<ScheduleEntry, 4> registry{{
      {"constant", "the rate stays as it is", ScheduleKind::constant},
      {"exponential", "times `decay` at every iteration", ScheduleKind::exponential,
       of_exponential},
      {"cosine", "half a cosine down to `final_fraction` of the rate", ScheduleKind::cosine,
       of_cosine},
      {"steps", "times `decay` every `step_every` iterations", ScheduleKind::steps, of_steps},
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
