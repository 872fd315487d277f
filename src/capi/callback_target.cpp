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
      for (std::size_t d = 0; d < dim_; ++d) gradient(d, s) = slopes[s * dim_ + d];
    }
  }

  void constrain(std::span<const double> z, std::span<double> theta) const override {
    if (expand_ == nullptr) {
      Target::constrain(z, theta);
      return;
    }
    const int said =
        called([&] { return expand_(z.size(), z.data(), theta.size(), theta.data(), user_); });
    if (said != 0) std::fill(theta.begin(), theta.end(), nan);
  }
  bool unconstrain(std::span<const double> theta, std::span<double> z) const override {
    return expand_ == nullptr && Target::unconstrain(theta, z);
  }

 private:
  [[noreturn]] static void stopped(int said) {
    throw CallbackFailure(fmt::format("the target's callback returned {}: it cannot go on", said));
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
  const auto all =
      options_over<riffle_target_options>(RIFFLE_TARGET_OPTIONS_INIT, options, "options");
  return std::make_unique<CallbackTarget>(dim, batch, point, user, all);
}

}  // namespace riffle::capi
