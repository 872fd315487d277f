#include "targets/user_target.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "riffle/error.h"
#include "targets/value_names.h"

namespace riffle {
namespace {

class FunctionTarget final : public Target {
 public:
  FunctionTarget(std::size_t dim, LogDensity log_density, std::optional<double> log_z)
      : dim_(dim), log_density_(std::move(log_density)), log_z_(log_z) {}

  std::size_t dim() const override { return dim_; }
  std::optional<double> log_z() const override { return log_z_; }

  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override {
    std::vector<double> point(dim_);
    std::vector<double> slope(dim_);
    for (std::size_t s = 0; s < z.count(); ++s) {
      for (std::size_t d = 0; d < dim_; ++d) point[d] = z(d, s);
      log_density[s] = log_density_(point, slope);
      for (std::size_t d = 0; d < dim_; ++d) gradient(d, s) = slope[d];
    }
  }

 private:
  std::size_t dim_;
  LogDensity log_density_;
  std::optional<double> log_z_;
};

}  // namespace

std::unique_ptr<Target> make_target(std::size_t dim, LogDensity log_density,
                                    std::optional<double> log_z) {
  if (dim == 0) throw Error(ErrorKind::usage, "a target of dimension 0 leaves nothing to infer");
  if (!log_density) throw Error(ErrorKind::usage, "a target needs a function for its log density");
  return std::make_unique<FunctionTarget>(dim, std::move(log_density), log_z);
}

void check_target(const Target& target) {
  if (target.dim() == 0) {
    throw Error(
        ErrorKind::usage,
        fmt::format("target {}: its dimension is 0, which leaves nothing to infer", target.name()));
  }
  const auto names = target.parameter_names();
  if (target.parameter_count() > names.size()) {
    throw Error(ErrorKind::data,
                fmt::format("target {}: it has {} parameters among {} names", target.name(),
                            target.parameter_count(), names.size()));
  }
  check_value_names(names, target.generated_names(), target.name());
}

}  // namespace riffle
