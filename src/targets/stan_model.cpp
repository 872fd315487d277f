#include "riffle/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <exception>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "core/philox.h"
#include "io/model_data.h"
#include "io/plain_text.h"
#include "riffle/error.h"
#include "targets/failure_log.h"
#include "targets/shared_library.h"
#include "targets/stan_program.h"
#include "targets/value_names.h"

// BridgeStan's own types, which nobody looks into.
struct bs_model;
struct bs_rng;

namespace riffle {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kind =
    "library of a Stan model as BridgeStan 2 or tools/stan_model.sh make them";

/// The functions of BridgeStan's interface that Riffle calls.
struct Functions {
  explicit Functions(const SharedLibrary& library) {
    library.require("bs_model_construct", kind, construct);
    library.require("bs_model_destruct", kind, destruct);
    library.require("bs_free_error_msg", kind, free_message);
    library.require("bs_param_names", kind, param_names);
    library.require("bs_param_num", kind, param_num);
    library.require("bs_param_unc_num", kind, param_unc_num);
    library.require("bs_log_density_gradient", kind, gradient);
    library.require("bs_param_constrain", kind, constrain);
    library.find("bs_param_unconstrain", unconstrain);
    library.find("bs_name", name);
    library.find("bs_model_info", model_info);
    library.find("bs_set_print_callback", set_print);
    library.find("bs_rng_construct", rng_construct);
    library.find("bs_rng_destruct", rng_destruct);
  }

  bs_model* (*construct)(const char* data, unsigned seed, char** error);
  void (*destruct)(bs_model*);
  void (*free_message)(char*);
  const char* (*param_names)(const bs_model*, bool tp, bool gq);
  int (*param_num)(const bs_model*, bool tp, bool gq);
  int (*param_unc_num)(const bs_model*);
  int (*gradient)(const bs_model*, bool propto, bool jacobian, const double* theta_unc,
                  double* value, double* gradient, char** error);
  int (*constrain)(const bs_model*, bool tp, bool gq, const double* theta_unc, double* theta,
                   bs_rng*, char** error);
  // Not every library has these.
  int (*unconstrain)(const bs_model*, const double* theta, double* theta_unc, char** error);
  const char* (*name)(const bs_model*);
  const char* (*model_info)(const bs_model*);
  int (*set_print)(void (*)(const char* text, std::size_t size), char** error);
  bs_rng* (*rng_construct)(unsigned seed, char** error);
  void (*rng_destruct)(bs_rng*);

  bool has_random_numbers() const { return rng_construct != nullptr && rng_destruct != nullptr; }
};

void print_to_stderr(const char* text, std::size_t size) {
  std::fwrite(text, 1, size, stderr);
}

/// "2.7.0", or nothing. Throws Error{data} for an interface that is not ours.
std::string interface_version(const SharedLibrary& library) {
  const auto* const major = static_cast<const int*>(library.find("bs_major_version"));
  const auto* const minor = static_cast<const int*>(library.find("bs_minor_version"));
  const auto* const patch = static_cast<const int*>(library.find("bs_patch_version"));
  if (major == nullptr) return {};
  if (*major != 2) {
    throw Error(ErrorKind::data,
                fmt::format("{} was made by BridgeStan {}, whose interface is not that of "
                            "BridgeStan 2: make it anew",
                            library.path().string(), *major));
  }
  return fmt::format("{}.{}.{}", *major, minor == nullptr ? 0 : *minor,
                     patch == nullptr ? 0 : *patch);
}

std::vector<std::string> split_names(std::string_view csv) {
  std::vector<std::string> names;
  while (!csv.empty()) {
    const auto comma = std::min(csv.find(','), csv.size());
    names.emplace_back(csv.substr(0, comma));
    csv.remove_prefix(std::min(comma + 1, csv.size()));
  }
  return names;
}

/// The message of a call, which is freed whether or not it is read.
class Message {
 public:
  explicit Message(const Functions& call) : call_(call) {}
  ~Message() {
    if (text_ != nullptr) call_.free_message(text_);
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  char** out() { return &text_; }
  std::string text() const { return one_line(text_); }

 private:
  const Functions& call_;
  char* text_ = nullptr;
};

/// Stan's own generator is consumed in the order of the draws.
class StanGenerator final : public Generator {
 public:
  /// `names` are those of all values, of which the last `generated` are generated quantities.
  StanGenerator(const Functions& call, const bs_model& model, std::span<const std::string> names,
                std::size_t generated, std::uint64_t seed)
      : call_(call),
        model_(model),
        names_(names),
        first_(names.size() - generated),
        values_(names.size()),
        rng_(nullptr, call.rng_destruct) {
    // Not the seed itself, which is that of the model's transformed data. Draws have step 0.
    const RandomStream stream{seed, Purpose::draws, 1};
    const auto own_seed = Philox::block(stream.counter(0, 0), stream.key())[0];
    Message message(call_);
    rng_.reset(call_.rng_construct(own_seed, message.out()));
    if (!rng_) {
      throw Error(ErrorKind::data, fmt::format("the library of a Stan model makes no generator of "
                                               "random numbers: {}",
                                               message.text()));
    }
  }

  void generate(std::span<const double> z, std::span<double> values) override {
    assert(values.size() == values_.size() - first_);
    std::string failure;
    if (!generate_at(z, failure)) std::fill(values_.begin(), values_.end(), nan);
    const auto generated = values_.begin() + static_cast<std::ptrdiff_t>(first_);
    std::copy(generated, values_.end(), values.begin());
    const auto missing =
        std::find_if(generated, values_.end(), [](double x) { return std::isnan(x); });
    if (missing == values_.end()) return;
    if (failures_.count++ > 0) return;
    failures_.first_message =
        failure.empty()
            ? fmt::format("{} is nan", names_[static_cast<std::size_t>(missing - values_.begin())])
            : failure;
  }

  TargetFailures failures() const override { return failures_; }

 private:
  /// Whether it went well; the message where not.
  bool generate_at(std::span<const double> z, std::string& failure) {
    Message message(call_);
    try {
      if (call_.constrain(&model_, true, true, z.data(), values_.data(), rng_.get(),
                          message.out()) == 0) {
        return true;
      }
      failure = message.text();
    } catch (const std::exception& error) {
      failure = one_line(error.what());
    }
    return false;
  }

  const Functions& call_;
  const bs_model& model_;
  std::span<const std::string> names_;
  std::size_t first_;
  std::vector<double> values_;
  std::unique_ptr<bs_rng, void (*)(bs_rng*)> rng_;
  TargetFailures failures_;
};

class StanModel final : public Target {
 public:
  StanModel(const std::filesystem::path& path, const std::string& data,
            const StanModelOptions& options)
      : library_(path),
        version_(interface_version(library_)),
        call_(library_),
        model_(nullptr, call_.destruct) {
    if (call_.set_print != nullptr) {
      Message ignored(call_);
      call_.set_print(&print_to_stderr, ignored.out());
    }
    Message message(call_);
    try {
      model_.reset(call_.construct(data.empty() ? nullptr : data.c_str(),
                                   static_cast<unsigned>(options.seed), message.out()));
    } catch (const std::exception& error) {
      throw refused(error.what());
    }
    if (!model_) throw refused(message.text());
    const int dim = call_.param_unc_num(model_.get());
    const bool generates = options.generated_quantities && call_.has_random_numbers();
    const auto* const names = call_.param_names(model_.get(), true, generates);
    const int all = call_.param_num(model_.get(), true, generates);
    const int values = call_.param_num(model_.get(), true, false);
    const int parameters = call_.param_num(model_.get(), false, false);
    if (dim == 0) {
      throw Error(
          ErrorKind::data,
          fmt::format("{}: the model has no parameters: there is nothing to infer", path.string()));
    }
    names_ = split_names(names == nullptr ? "" : names);
    if (dim < 0 || parameters < 0 || parameters > values || values > all ||
        static_cast<std::size_t>(all) != names_.size()) {
      throw Error(ErrorKind::data,
                  fmt::format("{}: the library contradicts itself: {} unconstrained parameters, {} "
                              "parameters, {} with transformed ones, {} with generated quantities, "
                              "{} names",
                              path.string(), dim, parameters, values, all, names_.size()));
    }
    check_value_names(std::span(names_).first(static_cast<std::size_t>(values)),
                      std::span(names_).subspan(static_cast<std::size_t>(values)), path.string());
    dim_ = static_cast<std::size_t>(dim);
    parameters_ = static_cast<std::size_t>(parameters);
    values_ = static_cast<std::size_t>(values);
    const std::string info =
        call_.model_info == nullptr ? "" : text_or(call_.model_info(model_.get()));
    thread_safe_ =
        options.assume_thread_safe || info.find("STAN_THREADS=true") != std::string::npos;
    const std::string given = call_.name == nullptr ? "" : text_or(call_.name(model_.get()));
    name_ = given.empty() ? path.stem().string() : one_line(given.c_str());
    info_ = fmt::format("Stan model {}, BridgeStan {}{}{}", name_,
                        version_.empty() ? "of unknown version" : version_,
                        info.empty() ? "" : "; ", info.empty() ? "" : one_line(info.c_str()));
    asks_for_constants_ = takes_constants(options.seed);
    keeps_constants_ = asks_for_constants_ || options.assume_constants;
  }

  std::size_t dim() const override { return dim_; }
  std::string name() const override { return name_; }
  std::string description() const override { return info_; }
  bool thread_safe() const override { return thread_safe_; }
  bool keeps_constants() const override { return keeps_constants_; }
  TargetFailures failures() const override { return log_.failures(); }
  std::vector<std::string> parameter_names() const override {
    return {names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(values_)};
  }
  std::size_t parameter_count() const override { return parameters_; }
  std::vector<std::string> generated_names() const override {
    return {names_.begin() + static_cast<std::ptrdiff_t>(values_), names_.end()};
  }
  std::unique_ptr<Generator> generator(std::uint64_t seed) const override {
    if (names_.size() == values_) return nullptr;
    return std::make_unique<StanGenerator>(call_, *model_, names_, names_.size() - values_, seed);
  }

  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override {
    std::vector<double> point(dim_);
    std::vector<double> slope(dim_);
    for (std::size_t s = 0; s < z.count(); ++s) {
      for (std::size_t d = 0; d < dim_; ++d) point[d] = z(d, s);
      std::string message;
      if (!log_density_at(point, !asks_for_constants_, log_density[s], slope, message)) {
        log_.add(std::move(message));
        log_density[s] = nan;
        std::fill(slope.begin(), slope.end(), nan);
      }
      for (std::size_t d = 0; d < dim_; ++d) gradient(d, s) = slope[d];
    }
  }

  void constrain(std::span<const double> z, std::span<double> theta) const override {
    assert(z.size() == dim_ && theta.size() == values_);
    Message message(call_);
    int status = -1;
    try {
      status = call_.constrain(model_.get(), true, false, z.data(), theta.data(), nullptr,
                               message.out());
    } catch (const std::exception&) {  // it should not; the status says so
    }
    if (status != 0) std::fill(theta.begin(), theta.end(), nan);
  }
  bool unconstrain(std::span<const double> theta, std::span<double> z) const override {
    assert(theta.size() == parameters_ && z.size() == dim_);
    if (call_.unconstrain == nullptr) return Target::unconstrain(theta, z);
    Message message(call_);
    int status = -1;
    try {
      status = call_.unconstrain(model_.get(), theta.data(), z.data(), message.out());
    } catch (const std::exception&) {  // as in constrain()
    }
    if (status != 0) std::fill(z.begin(), z.end(), nan);
    return true;
  }

 private:
  static std::string text_or(const char* text) { return text == nullptr ? "" : text; }

  Error refused(const std::string& message) const {
    return {ErrorKind::data, fmt::format("{}: the model refuses its data: {}",
                                         library_.path().string(), one_line(message.c_str()))};
  }

  /// Whether the evaluation went well; its message where not.
  bool log_density_at(std::span<const double> z, bool propto, double& value,
                      std::span<double> gradient, std::string& message) const {
    Message text(call_);
    try {
      if (call_.gradient(model_.get(), propto, true, z.data(), &value, gradient.data(),
                         text.out()) == 0) {
        return true;
      }
      message = text.text();
    } catch (const std::exception& error) {
      message = one_line(error.what());  // no C function should throw, but some wrap C++ badly
    }
    return false;
  }

  /// Some libraries refuse to compute the constants, and nothing tells but trying. A point may fail
  /// for reasons of its own, so only one that fails with constants alone counts, and one that does
  /// not fail with them decides.
  bool takes_constants(std::uint64_t seed) const {
    constexpr std::uint32_t points = 10;
    constexpr double reach = 2;  // Stan's own initial values lie in (-2, 2)
    const RandomStream stream{seed, Purpose::initial_values, 1};
    std::vector<double> z(dim_, 0.0);
    std::vector<double> slope(dim_);
    double value = 0;
    std::string message;
    bool only_without = false;
    for (std::uint32_t i = 0; i < points; ++i) {
      if (log_density_at(z, false, value, slope, message)) return true;
      only_without = only_without || log_density_at(z, true, value, slope, message);
      for (std::size_t d = 0; d < dim_; ++d) {
        z[d] = reach * (2 * stream.uniform(i, static_cast<std::uint32_t>(d)) - 1);
      }
    }
    return !only_without;
  }

  SharedLibrary library_;
  std::string version_;
  Functions call_;
  std::unique_ptr<bs_model, void (*)(bs_model*)> model_;
  std::string name_;
  std::string info_;
  std::vector<std::string> names_;  ///< parameters, transformed parameters, generated quantities
  std::size_t dim_ = 0;
  std::size_t parameters_ = 0;
  std::size_t values_ = 0;  ///< parameters and transformed parameters
  bool thread_safe_ = false;
  bool asks_for_constants_ = true;
  bool keeps_constants_ = true;
  mutable FailureLog log_;
};

}  // namespace

std::unique_ptr<Target> load_stan_model(const std::filesystem::path& library,
                                        const std::string& data, const StanModelOptions& options) {
  if (is_stan_program(library)) {
    return load_stan_model(compile_stan_program(library, {options.quiet, nullptr}), data, options);
  }
  check_model_data(data);
  return std::make_unique<StanModel>(library, data, options);
}

}  // namespace riffle
