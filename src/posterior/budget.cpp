#include "posterior/budget.h"

#include <algorithm>
#include <cmath>

#include "riffle/tile.h"

namespace riffle {
namespace {

/// What of a limit is set aside for the final draws, of which all take `all` and the least number
/// `least`.
template <class Amount>
Amount set_aside(Amount limit, Amount all, Amount least) {
  return std::min(all, std::max(limit / 5, std::min(least, limit / 2)));
}

constexpr std::uint64_t divided_up(std::uint64_t a, std::uint64_t b) {
  return a / b + (a % b != 0 ? 1 : 0);
}

}  // namespace

Budget::Budget(const MeteredDensity& target, const BudgetLimits& limits, std::size_t threads)
    : target_(&target), limits_(limits), threads_(threads) {}

double Budget::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

double Budget::seconds_of(std::uint64_t evaluations) const {
  const auto rounds = divided_up(divided_up(evaluations, tile_size), threads_);
  return static_cast<double>(rounds) *
         target_->seconds_of_call(std::min<std::uint64_t>(evaluations, tile_size));
}

bool Budget::has_time(std::uint64_t next) const {
  if (std::isinf(limits_.seconds)) return true;
  const auto all = limits_.final_draws;
  const double aside =
      set_aside(limits_.seconds, seconds_of(all), seconds_of(std::min(all, least_final_draws)));
  return seconds() + seconds_of(next) + aside <= limits_.seconds;
}

bool Budget::has_evaluations(std::uint64_t next) const {
  const auto limit = limits_.evaluations;
  const auto all = limits_.final_draws;
  const auto aside = set_aside(limit, all, std::min(all, least_final_draws));
  const auto spent = target_->evaluations();
  return spent < limit && next + aside <= limit - spent;
}

std::uint64_t Budget::evaluations_left() const {
  return limits_.evaluations - std::min(target_->evaluations(), limits_.evaluations);
}

std::uint64_t Budget::left() const {
  const auto evaluations = evaluations_left();
  const double call = target_->seconds_of_call(tile_size);
  if (std::isinf(limits_.seconds) || call == 0) return evaluations;
  const double rounds = std::floor(std::max(0.0, limits_.seconds - seconds()) / call);
  const double in_time = rounds * static_cast<double>(threads_ * tile_size);
  return in_time < static_cast<double>(evaluations) ? static_cast<std::uint64_t>(in_time)
                                                    : evaluations;
}

}  // namespace riffle
