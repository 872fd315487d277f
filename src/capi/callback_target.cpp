#include "capi/callback_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "capi/call.h"
#include "core/rows.h"
#include "riffle/constraints.h"
#include "targets/failure_log.h"
#include "targets/user_target.h"

namespace riffle::capi {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Calls a callback; C++ may throw through it all the same.
template <class F>
int called(F&& f) {
  try {
    return f();
  } catch (const std::exception& e) {
    throw CallbackFailure(fmt::format("a callback threw: {}", e.what()));
  } catch (...) {
    throw CallbackFailure("a callback threw");
  }
}

class CallbackTarget final : public Target {
 public:
  CallbackTarget(std::size_t dim, riffle_batch_function batch, riffle_point_function point,
                 void* user, const riffle_target_options& options)
      : dim_(dim),
        batch_(batch),
        point_(point),
        user_(user),
        flags_(options.flags),
        name_(options.name == nullptr ? "user" : text(options.name, "options->name")),
        expand_(options.expand) {
    if (std::isfinite(options.log_z)) log_z_ = options.log_z;
    if (expand_ != nullptr && options.value_count == 0) {
      refuse("options->value_count is 0, but there is a function to expand to values");
    }
    if (expand_ == nullptr && options.value_count != 0 && options.value_count != dim) {
      refuse(
          fmt::format("options->value_count is {}, but without a function to expand there are as "
                      "many values as coordinates, {}",
                      options.value_count, dim));
    }
    if (options.names != nullptr && options.value_count == 0) {
      refuse("options->value_count is 0, but there are names");
    }
    const std::size_t count = expand_ == nullptr ? dim : options.value_count;
    constexpr std::size_t most = 100'000'000;
    if (count > most) refuse(fmt::format("{} values are more than {}", count, most));
    for (std::size_t i = 0; i < count && (options.names != nullptr || expand_ != nullptr); ++i) {
      names_.emplace_back(options.names == nullptr
                              ? fmt::format("v.{}", i + 1)
                              : std::string(text(options.names[i], "a name of options->names")));
    }
    set_bounds(options);
    parameters_ = options.parameter_count == 0 ? count : options.parameter_count;
    if (parameters_ > count) {
      refuse(fmt::format("options->parameter_count is {}, of {} values", parameters_, count));
    }
    check_target(*this);
  }

  std::size_t dim() const override { return dim_; }
  std::string name() const override { return name_; }
  std::optional<double> log_z() const override { return log_z_; }
  bool thread_safe() const override { return (flags_ & RIFFLE_THREAD_SAFE) != 0; }
  bool keeps_constants() const override { return (flags_ & RIFFLE_KEEPS_CONSTANTS) != 0; }
  TargetFailures failures() const override { return log_.failures(); }
  std::vector<std::string> parameter_names() const override {
    return names_.empty() ? Target::parameter_names() : names_;
  }
  std::size_t parameter_count() const override { return parameters_; }

  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override {
    const std::size_t n = z.count();
    std::vector<double> points(n * dim_);
    std::vector<double> slopes(n * dim_, nan);  // what a callback leaves out is not taken for 0
    std::array<std::int32_t, tile_size> status{};
    tile_to_rows(z, std::span(points));
    std::fill_n(log_density.begin(), n, nan);
    std::array<double, tile_size> log_jacobian{};
    const std::vector<double> unbounded = bounds_.empty() ? std::vector<double>() : points;
    for (std::size_t s = 0; s < n && !bounds_.empty(); ++s) {
      log_jacobian[s] = bounded(row(unbounded, s), row(points, s));
    }
    if (batch_ != nullptr) {
      const int said = called([&] {
        return batch_(n, dim_, points.data(), log_density.data(), slopes.data(), status.data(),
                      user_);
      });
      if (said != 0) stopped(said);
    } else {
      for (std::size_t s = 0; s < n; ++s) {
        status[s] = called([&] {
          return point_(dim_, &points[s * dim_], &slopes[s * dim_], &log_density[s], user_);
        });
        if (status[s] < 0) stopped(status[s]);
      }
    }
    for (std::size_t s = 0; s < n; ++s) {
      if (status[s] != 0) {
        log_.add(fmt::format("the callback's status is {}", status[s]));
        log_density[s] = nan;
        std::fill_n(&slopes[s * dim_], dim_, nan);
      }
      if (!bounds_.empty()) {
        log_density[s] += log_jacobian[s];
        pull_back(row(unbounded, s), row(slopes, s));
      }
      for (std::size_t d = 0; d < dim_; ++d) gradient(d, s) = slopes[s * dim_ + d];
    }
  }

  void constrain(std::span<const double> z, std::span<double> theta) const override {
    std::vector<double> x(z.begin(), z.end());
    if (!bounds_.empty()) bounded(z, x);
    if (expand_ == nullptr) {
      std::copy(x.begin(), x.end(), theta.begin());
      return;
    }
    const int said =
        called([&] { return expand_(x.size(), x.data(), theta.size(), theta.data(), user_); });
    if (said != 0) std::fill(theta.begin(), theta.end(), nan);
  }
  bool unconstrain(std::span<const double> theta, std::span<double> z) const override {
    if (expand_ != nullptr) return false;
    if (bounds_.empty()) return Target::unconstrain(theta, z);
    for (std::size_t d = 0; d < dim_; ++d) {
      riffle::unconstrain(bounds_[d], theta.subspan(d, 1), z.subspan(d, 1));
    }
    return true;
  }

 private:
  [[noreturn]] static void stopped(int said) {
    throw CallbackFailure(fmt::format("the target's callback returned {}: it cannot go on", said));
  }

  void set_bounds(const riffle_target_options& options) {
    if (options.lower == nullptr && options.upper == nullptr) return;
    if (options.lower == nullptr || options.upper == nullptr) {
      refuse("of options->lower and options->upper one is null: give both, or none");
    }
    for (std::size_t d = 0; d < dim_; ++d) {
      const double low = options.lower[d];
      const double high = options.upper[d];
      const bool has_low = low != -std::numeric_limits<double>::infinity();
      const bool has_high = high != std::numeric_limits<double>::infinity();
      if (!(low < high) || (has_low && !std::isfinite(low)) || (has_high && !std::isfinite(high))) {
        refuse(fmt::format("the bounds of coordinate {} are {} and {}, which leaves no room", d,
                           low, high));
      }
      bounds_.push_back({fmt::format("z.{}", d + 1),
                         {},
                         has_low && has_high ? Constraint::interval(low, high)
                         : has_low           ? Constraint::lower(low)
                         : has_high          ? Constraint::upper(high)
                                             : Constraint::real()});
    }
  }

  std::span<const double> row(const std::vector<double>& rows, std::size_t s) const {
    return std::span(rows).subspan(s * dim_, dim_);
  }
  std::span<double> row(std::vector<double>& rows, std::size_t s) const {
    return std::span(rows).subspan(s * dim_, dim_);
  }

  /// x within the bounds, from y; gives ln|∂x/∂y|.
  double bounded(std::span<const double> y, std::span<double> x) const {
    double log_jacobian = 0;
    for (std::size_t d = 0; d < dim_; ++d) {
      log_jacobian += riffle::constrain(bounds_[d], y.subspan(d, 1), x.subspan(d, 1));
    }
    return log_jacobian;
  }

  /// The gradient by x becomes that of ln p(x) + ln|∂x/∂y| by y.
  void pull_back(std::span<const double> y, std::span<double> slope) const {
    for (std::size_t d = 0; d < dim_; ++d) {
      const double by_x = slope[d];
      constrain_adjoint(bounds_[d], y.subspan(d, 1), std::span(&by_x, 1), 1, slope.subspan(d, 1));
    }
  }

  std::size_t dim_;
  riffle_batch_function batch_;
  riffle_point_function point_;
  void* user_;
  unsigned flags_;
  std::string name_;
  riffle_expand_function expand_;
  std::optional<double> log_z_;
  std::vector<std::string> names_;  // empty where they are z.1, ...
  std::size_t parameters_ = 0;
  std::vector<Parameter> bounds_;  // one for each coordinate; empty where there are none
  mutable FailureLog log_;
};

}  // namespace

std::unique_ptr<Target> callback_target(std::size_t dim, riffle_batch_function batch,
                                        riffle_point_function point, void* user,
                                        const riffle_target_options* options) {
  constexpr std::size_t most_dim = 1'000'000;
  if (dim == 0 || dim > most_dim) {
    refuse(fmt::format("dim is {}, but must be from 1 to {}", dim, most_dim));
  }
  if (batch == nullptr && point == nullptr) refuse("evaluate is null");
  const auto all = options_over<riffle_target_options>(
      RIFFLE_TARGET_OPTIONS_INIT, options, offsetof(riffle_target_options, lower), "options");
  return std::make_unique<CallbackTarget>(dim, batch, point, user, all);
}

}  // namespace riffle::capi
