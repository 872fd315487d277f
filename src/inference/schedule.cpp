#include "inference/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace riffle {
namespace {

Schedule constant(const Arguments&, std::uint64_t) {
  return [](std::uint64_t) { return 1.0; };
}

constexpr Option decay{"decay", "0.999", "factor", {.least = 0, .most = 1, .above = true}};
constexpr Option of_exponential[] = {decay};

Schedule exponential(const Arguments& arguments, std::uint64_t) {
  return [factor = arguments.number("decay")](std::uint64_t t) {
    return std::pow(factor, static_cast<double>(t));
  };
}

constexpr Option of_cosine[] = {
    {"final_fraction", "0.01", "of the rate, at the end", Values::number_from(0, 1)}};

Schedule cosine(const Arguments& arguments, std::uint64_t iterations) {
  const double last = arguments.number("final_fraction");
  const auto length = static_cast<double>(std::max<std::uint64_t>(1, iterations));
  return [=](std::uint64_t t) {
    const double along = std::min(1.0, static_cast<double>(t) / length);
    return last + (1 - last) * 0.5 * (1 + std::cos(std::numbers::pi * along));
  };
}

constexpr Option of_steps[] = {
    decay, {"step_every", "1000", "iterations", Values::whole(1, 1'000'000'000'000)}};

Schedule steps(const Arguments& arguments, std::uint64_t) {
  return [factor = arguments.number("decay"), every = arguments.whole("step_every")](
             std::uint64_t t) { return std::pow(factor, static_cast<double>(t / every)); };
}

}  // namespace

std::span<const ScheduleEntry> schedule_registry() {
  static constexpr std::array<ScheduleEntry, 4> registry{{
      {"constant", "the rate stays as it is", {}, &constant},
      {"exponential", "times `decay` at every iteration", of_exponential, &exponential},
      {"cosine", "half a cosine down to `final_fraction` of the rate", of_cosine, &cosine},
      {"steps", "times `decay` every `step_every` iterations", of_steps, &steps},
  }};
  return registry;
}

Schedule make_schedule(std::string_view text, std::uint64_t iterations) {
  const auto chosen = choose(schedule_registry(), text, "schedule");
  return chosen.entry.make(chosen.arguments, iterations);
}

}  // namespace riffle
