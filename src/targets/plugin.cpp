#include "riffle/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "core/rows.h"
#include "io/plain_text.h"
#include "riffle/error.h"
#include "riffle/plugin.h"
#include "targets/failure_log.h"
#include "targets/shared_library.h"
#include "targets/value_names.h"

namespace riffle {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kind = "plug-in of Riffle's, as riffle/plugin.h has it";
using ErrorText = std::array<char, 1024>;

/// The plug-in's message, whether or not it ended it with a zero.
std::string message_of(ErrorText& text) {
  text.back() = '\0';
  return one_line(text.data());
}

/// Throws Error{data} for another version than ours.
void check_version(const SharedLibrary& library) {
  decltype(riffle_plugin_abi)* abi_of = nullptr;
  library.require("riffle_plugin_abi", kind, abi_of);
  const auto abi = abi_of();
  if (abi != RIFFLE_PLUGIN_ABI) {
    throw Error(ErrorKind::data,
                fmt::format("{} was compiled for version {} of the plug-in interface, and this is "
                            "version {}: compile it again with this riffle/plugin.h",
                            library.path().string(), abi, RIFFLE_PLUGIN_ABI));
  }
}

struct Functions {
  explicit Functions(const SharedLibrary& library) {
    library.require("riffle_plugin_create", kind, create);
    library.require("riffle_plugin_destroy", kind, destroy);
    library.require("riffle_plugin_dim", kind, dim);
    library.require("riffle_plugin_evaluate", kind, evaluate);
    library.find("riffle_plugin_flags", flags);
    library.find("riffle_plugin_log_z", log_z);
    library.find("riffle_plugin_value_count", value_count);
    library.find("riffle_plugin_parameter_count", parameter_count);
    library.find("riffle_plugin_value_name", value_name);
    library.find("riffle_plugin_constrain", constrain);
    library.find("riffle_plugin_unconstrain", unconstrain);
    const std::set<bool> there{value_count != nullptr, parameter_count != nullptr,
                               value_name != nullptr, constrain != nullptr};
    if (there.size() > 1) {
      throw Error(ErrorKind::data,
                  fmt::format("{} must have all of riffle_plugin_value_count, "
                              "riffle_plugin_parameter_count, riffle_plugin_value_name and "
                              "riffle_plugin_constrain, or none",
                              library.path().string()));
    }
  }

  decltype(riffle_plugin_create)* create;
  decltype(riffle_plugin_destroy)* destroy;
  decltype(riffle_plugin_dim)* dim;
  decltype(riffle_plugin_evaluate)* evaluate;
  decltype(riffle_plugin_flags)* flags;
  decltype(riffle_plugin_log_z)* log_z;
  decltype(riffle_plugin_value_count)* value_count;
  decltype(riffle_plugin_parameter_count)* parameter_count;
  decltype(riffle_plugin_value_name)* value_name;
  decltype(riffle_plugin_constrain)* constrain;
  decltype(riffle_plugin_unconstrain)* unconstrain;
};

class PluginTarget final : public Target {
 public:
  PluginTarget(const std::filesystem::path& path, const std::string& data,
               const PluginOptions& options)
      : library_(path), call_(checked(library_)), model_(nullptr, call_.destroy) {
    ErrorText error{};
    model_.reset(call_.create(data.c_str(), error.data(), error.size()));
    if (!model_) {
      throw Error(ErrorKind::data, fmt::format("{}: the plug-in refuses its data: {}",
                                               path.string(), message_of(error)));
    }
    dim_ = call_.dim(model_.get());
    if (dim_ == 0) {
      throw Error(
          ErrorKind::data,
          fmt::format("{}: the plug-in has dimension 0: there is nothing to infer", path.string()));
    }
    if (dim_ > most_dim) {
      throw Error(ErrorKind::data,
                  fmt::format("{}: the plug-in has dimension {}, and {} is the most", path.string(),
                              dim_, most_dim));
    }
    const auto flags = call_.flags == nullptr ? 0U : call_.flags(model_.get());
    thread_safe_ = options.assume_thread_safe || (flags & RIFFLE_PLUGIN_THREAD_SAFE) != 0;
    keeps_constants_ = (flags & RIFFLE_PLUGIN_KEEPS_CONSTANTS) != 0;
    read_names(path);
  }

  std::size_t dim() const override { return dim_; }
  std::string name() const override { return library_.path().stem().string(); }
  std::string description() const override {
    return fmt::format("plug-in {}, interface {}", library_.path().filename().string(),
                       RIFFLE_PLUGIN_ABI);
  }
  std::optional<double> log_z() const override {
    if (call_.log_z == nullptr) return std::nullopt;
    const double value = call_.log_z(model_.get());
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
  }
  bool thread_safe() const override { return thread_safe_; }
  bool keeps_constants() const override { return keeps_constants_; }
  TargetFailures failures() const override { return log_.failures(); }
  std::vector<std::string> parameter_names() const override {
    return names_.empty() ? Target::parameter_names() : names_;
  }
  std::size_t parameter_count() const override { return names_.empty() ? dim_ : parameters_; }

  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override {
    const std::size_t n = z.count();
    std::vector<double> points(n * dim_);
    std::vector<double> slopes(n * dim_);
    std::array<std::int32_t, tile_size> status{};
    ErrorText error{};
    tile_to_rows(z, std::span(points));
    call_.evaluate(model_.get(), n, points.data(), log_density.data(), slopes.data(), status.data(),
                   error.data(), error.size());
    for (std::size_t s = 0; s < n; ++s) {
      if (status[s] == 0) continue;
      log_.add(message_of(error));
      log_density[s] = nan;
      std::fill_n(slopes.begin() + static_cast<std::ptrdiff_t>(s * dim_), dim_, nan);
    }
    rows_to_tile(std::span<const double>(slopes), gradient);
  }

  void constrain(std::span<const double> z, std::span<double> theta) const override {
    if (names_.empty()) return Target::constrain(z, theta);
    assert(z.size() == dim_ && theta.size() == names_.size());
    if (call_.constrain(model_.get(), z.data(), theta.data()) != 0) {
      std::fill(theta.begin(), theta.end(), nan);
    }
  }
  bool unconstrain(std::span<const double> theta, std::span<double> z) const override {
    if (call_.unconstrain == nullptr || names_.empty()) return Target::unconstrain(theta, z);
    if (call_.unconstrain(model_.get(), theta.data(), z.data()) != 0) {
      std::fill(z.begin(), z.end(), nan);
    }
    return true;
  }

 private:
  static constexpr std::size_t most_dim = 1'000'000;

  static const SharedLibrary& checked(const SharedLibrary& library) {
    check_version(library);
    return library;
  }

  void read_names(const std::filesystem::path& path) {
    if (call_.value_count == nullptr) return;
    const auto count = call_.value_count(model_.get());
    parameters_ = call_.parameter_count(model_.get());
    if (count == 0 || parameters_ > count) {
      throw Error(ErrorKind::data,
                  fmt::format("{}: the plug-in contradicts itself: {} parameters among {} values",
                              path.string(), parameters_, count));
    }
    for (std::size_t i = 0; i < count; ++i) {
      const char* const text = call_.value_name(model_.get(), i);
      if (text == nullptr) {
        throw Error(ErrorKind::data, fmt::format("{}: the name of value {} is null: use names such "
                                                 "as a or a.1.2",
                                                 path.string(), i + 1));
      }
      names_.emplace_back(text);
    }
    check_value_names(names_, {}, path.string());
  }

  SharedLibrary library_;
  Functions call_;
  std::unique_ptr<riffle_plugin_model, void (*)(riffle_plugin_model*)> model_;
  std::size_t dim_ = 0;
  bool thread_safe_ = false;
  bool keeps_constants_ = false;
  std::vector<std::string> names_;
  std::size_t parameters_ = 0;
  mutable FailureLog log_;
};

}  // namespace

std::unique_ptr<Target> load_plugin(const std::filesystem::path& library, const std::string& data,
                                    const PluginOptions& options) {
  return std::make_unique<PluginTarget>(library, data, options);
}

}  // namespace riffle
