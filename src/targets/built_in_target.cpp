#include "targets/built_in_target.h"

#include <algorithm>
#include <utility>

namespace riffle {

BuiltInTarget::BuiltInTarget(const TargetEntry& entry, TargetOptions options)
    : entry_(entry), options_(std::move(options)), density_(entry_.make<double>(options_)) {}

void BuiltInTarget::evaluate(Tile<const double> z, std::span<double> log_density,
                             Tile<double> gradient) const {
  alignas(64) double whole_lanes[tile_size];
  density_->evaluate(z, whole_lanes, gradient);
  std::copy_n(whole_lanes, z.count(), log_density.begin());
}

std::vector<std::string> BuiltInTarget::parameter_names() const {
  const auto names = entry_.parameters.names;
  return names == nullptr ? Target::parameter_names() : names(options_);
}

std::size_t BuiltInTarget::parameter_count() const {
  const auto count = entry_.parameters.count;
  return count == nullptr ? Target::parameter_count() : count(options_);
}

void BuiltInTarget::constrain(std::span<const double> z, std::span<double> theta) const {
  const auto constrain = entry_.parameters.constrain;
  if (constrain == nullptr) {
    Target::constrain(z, theta);
  } else {
    constrain(options_, z, theta);
  }
}

bool BuiltInTarget::unconstrain(std::span<const double> theta, std::span<double> z) const {
  const auto unconstrain = entry_.parameters.unconstrain;
  if (unconstrain == nullptr) return Target::unconstrain(theta, z);
  unconstrain(options_, theta, z);
  return true;
}

}  // namespace riffle
