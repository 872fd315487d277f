#include "fit/gradient_warning.h"

#include <fmt/format.h>

#include <chrono>

#include "posterior/gradient_check.h"
#include "targets/built_in_target.h"

namespace riffle {

std::string coordinate_name(const Target& target, std::size_t d) {
  const auto names = target.parameter_names();
  const auto plain = fmt::format("z.{}", d + 1);
  const bool side_by_side = target.parameter_count() == target.dim();
  if (!side_by_side || names[d] == plain) return plain;
  return fmt::format("{}, that of {},", plain, names[d]);
}

std::string gradient_warning(const Spec& spec, const Target& target, const MeteredDensity& density,
                             const FitCallbacks& callbacks) {
  constexpr std::uint64_t small_budget = 20'000;  // of which a few hundred would be much
  constexpr double most_of_time = 0.01;
  if (dynamic_cast<const BuiltInTarget*>(&target) != nullptr) return {};
  if (spec.run.method == Method::staged && spec.run.max_gradients < small_budget) return {};
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto check = check_gradient(PointDensity(density), spec.run.seed, [&] {
    if (callbacks.stop != nullptr && callbacks.stop->load(std::memory_order_relaxed)) return true;
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return seconds > most_of_time * spec.run.max_seconds;
  });
  if (!check.fault) return {};
  const auto& f = *check.fault;
  auto text = fmt::format(
      "the gradient is not that of ln p: its component {} is {:.6g} at {:.4g}, where differences "
      "of ln p give {:.6g} ({} of {} derivatives that were compared are wrong): the fit cannot be "
      "relied on",
      coordinate_name(target, f.coordinate), f.given, f.at, f.difference, check.wrong,
      check.compared);
  if (callbacks.on_stage) {
    PosteriorStage stage;
    stage.name = "gradient";
    stage.told = text;
    stage.gradients = density.evaluations();
    callbacks.on_stage(stage);
  }
  return text;
}

}  // namespace riffle
