#pragma once

#include <memory>
#include <string>
#include <vector>

#include "riffle/target.h"
#include "targets/target_registry.h"

namespace riffle {

/// A density of the registry, in double precision, as the public interface sees targets.
class BuiltInTarget final : public Target {
 public:
  /// `entry` must outlive it, as those of target_registry() do. Throws as entry.make does.
  BuiltInTarget(const TargetEntry& entry, TargetOptions options);

  std::size_t dim() const override { return density_->dim(); }
  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override;
  std::optional<double> log_z() const override { return entry_.log_z(options_); }
  std::string name() const override { return std::string(entry_.name); }
  std::vector<std::string> parameter_names() const override;
  std::size_t parameter_count() const override;
  void constrain(std::span<const double> z, std::span<double> theta) const override;
  bool unconstrain(std::span<const double> theta, std::span<double> z) const override;

 private:
  const TargetEntry& entry_;
  TargetOptions options_;
  std::unique_ptr<Density<double>> density_;
};

}  // namespace riffle
