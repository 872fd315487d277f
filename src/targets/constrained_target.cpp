#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "riffle/constraints.h"
#include "riffle/error.h"

namespace riffle {
namespace {

void check_names(const std::vector<Parameter>& parameters) {
  std::set<std::string> seen;
  for (const auto& p : parameters) {
    const bool clean = std::all_of(p.name.begin(), p.name.end(), [](char c) {
      return c != ',' && c != '"' && static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
    });
    if (p.name.empty() || !clean) {
      throw Error(ErrorKind::usage,
                  "the name of a parameter is empty, or holds a comma, a quote or a control "
                  "character");
    }
    if (!seen.insert(p.name).second) {
      throw Error(ErrorKind::usage, fmt::format("there are two parameters named {}", p.name));
    }
  }
}

/// name, or name.i.j... for every element in column-major order.
void append_names(const Parameter& parameter, std::vector<std::string>& names) {
  std::vector<std::size_t> index(parameter.shape.size(), 1);
  for (std::size_t n = constrained_size(parameter); n > 0; --n) {
    std::string name = parameter.name;
    for (const auto i : index) name += fmt::format(".{}", i);
    names.push_back(std::move(name));
    for (std::size_t axis = 0; axis < index.size(); ++axis) {
      if (++index[axis] <= parameter.shape[axis]) break;
      index[axis] = 1;
    }
  }
}

class ConstrainedTarget final : public Target {
 public:
  ConstrainedTarget(std::vector<Parameter> parameters, LogDensity log_density,
                    std::optional<double> log_z)
      : log_density_(std::move(log_density)), log_z_(log_z) {
    if (!log_density_) {
      throw Error(ErrorKind::usage, "a target needs a function for its log density");
    }
    check_names(parameters);
    for (auto& p : parameters) {
      parts_.push_back({dim_, unconstrained_size(p), size_, constrained_size(p), {}});
      dim_ += parts_.back().y_size;
      size_ += parts_.back().theta_size;
      append_names(p, names_);
      parts_.back().parameter = std::move(p);
    }
    if (dim_ == 0) throw Error(ErrorKind::usage, "the parameters leave nothing to vary");
  }

  std::size_t dim() const override { return dim_; }
  std::optional<double> log_z() const override { return log_z_; }
  std::vector<std::string> parameter_names() const override { return names_; }
  std::size_t parameter_count() const override { return size_; }
  void constrain(std::span<const double> z, std::span<double> theta) const override {
    to_theta(z, theta);
  }
  bool unconstrain(std::span<const double> theta, std::span<double> z) const override {
    for (const auto& part : parts_) {
      riffle::unconstrain(part.parameter, part.theta_of(theta), part.y_of(z));
    }
    return true;
  }

  void evaluate(Tile<const double> z, std::span<double> log_density,
                Tile<double> gradient) const override {
    std::vector<double> y(dim_);
    std::vector<double> y_bar(dim_);
    std::vector<double> theta(size_);
    std::vector<double> theta_bar(size_);
    for (std::size_t s = 0; s < z.count(); ++s) {
      for (std::size_t d = 0; d < dim_; ++d) y[d] = z(d, s);
      const double log_det = to_theta(y, theta);
      if (std::all_of(theta.begin(), theta.end(), [](double x) { return std::isfinite(x); })) {
        log_density[s] = log_density_(theta, theta_bar) + log_det;
        for (const auto& part : parts_) {
          constrain_adjoint(part.parameter, part.y_of(std::span<const double>(y)),
                            part.theta_of(std::span<const double>(theta_bar)), 1,
                            part.y_of(std::span<double>(y_bar)));
        }
      } else {
        log_density[s] = std::nan("");
        std::fill(y_bar.begin(), y_bar.end(), 0.0);
      }
      for (std::size_t d = 0; d < dim_; ++d) gradient(d, s) = y_bar[d];
    }
  }

 private:
  struct Part {
    std::size_t y_start;
    std::size_t y_size;
    std::size_t theta_start;
    std::size_t theta_size;
    Parameter parameter;

    template <class T>
    std::span<T> y_of(std::span<T> all) const {
      return all.subspan(y_start, y_size);
    }
    template <class T>
    std::span<T> theta_of(std::span<T> all) const {
      return all.subspan(theta_start, theta_size);
    }
  };

  double to_theta(std::span<const double> y, std::span<double> theta) const {
    double log_det = 0;
    for (const auto& part : parts_) {
      log_det += riffle::constrain(part.parameter, part.y_of(y), part.theta_of(theta));
    }
    return log_det;
  }

  LogDensity log_density_;
  std::optional<double> log_z_;
  std::vector<Part> parts_;
  std::vector<std::string> names_;
  std::size_t dim_ = 0;
  std::size_t size_ = 0;
};

}  // namespace

std::unique_ptr<Target> make_constrained_target(std::vector<Parameter> parameters,
                                                LogDensity log_density,
                                                std::optional<double> log_z) {
  return std::make_unique<ConstrainedTarget>(std::move(parameters), std::move(log_density), log_z);
}

}  // namespace riffle
