#include "targets/logistic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "riffle/error.h"
#include "targets/target_kernels.h"

namespace riffle {
namespace {

template <class T>
struct LogisticSettings {
  std::vector<T> rows;  ///< a_i, [rows][dim]
  T precision;          ///< 1/σ²
  T constant;           ///< -D ln σ - ½ D ln 2π
};

template <class T>
using LogisticKernels = TargetKernels<T, LogisticSettings<T>>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/logistic.inc"
#define RIFFLE_CLASS Logistic
#define RIFFLE_KERNELS LogisticKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr std::array<NumberOption, 4> numbers{{
    {"prior_sd", 1.0, "standard deviation of the normal prior of every weight"},
    {"centered", 1.0, "whether the mean of every feature is taken off", true},
    {"scaled", 1.0, "whether every feature is divided by its standard deviation", true},
    {"intercept", 1.0, "whether the first weight is that of a feature of ones", true},
}};

std::size_t dim_of_data(const TargetOptions& options) {
  const auto& data = options.data;
  if (data.rows() == 0) {
    throw Error(ErrorKind::usage,
                "target logistic needs target.data, a file of numbers whose last column is the "
                "label");
  }
  const std::size_t dim = data.columns - 1 + (options.flag("intercept") ? 1 : 0);
  if (dim == 0) {
    throw Error(ErrorKind::data,
                "target.data has one column, the label, and there is no intercept: "
                "nothing is left to learn");
  }
  return dim;
}

/// Whether each row's label is the larger of the two that there are.
std::vector<bool> labels_of(const NumberTable& data) {
  const auto label = [&](std::size_t row) {
    return data.values[row * data.columns + data.columns - 1];
  };
  double low = label(0);
  double high = label(0);
  for (std::size_t i = 1; i < data.rows(); ++i) {
    low = std::min(low, label(i));
    high = std::max(high, label(i));
  }
  std::vector<bool> is_high;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    if (label(i) != low && label(i) != high) {
      throw Error(ErrorKind::data,
                  fmt::format("the labels in the last column of target.data must be two numbers, "
                              "but there are {}, {} and {}",
                              low, label(i), high));
    }
    is_high.push_back(label(i) == high);
  }
  if (low == high) {
    throw Error(ErrorKind::data, fmt::format("every label in the last column of target.data is {}: "
                                             "there must be two of them",
                                             low));
  }
  return is_high;
}

/// A feature as z = (x - shift)/scale.
struct Standard {
  double shift = 0;
  double scale = 1;
};

/// The standard deviation divides by the number of rows; 0, of a constant feature, is taken as 1.
Standard standard_of(const TargetOptions& options, std::size_t column) {
  const auto& data = options.data;
  const auto n = static_cast<double>(data.rows());
  double mean = 0;
  for (std::size_t i = 0; i < data.rows(); ++i) mean += data.values[i * data.columns + column] / n;
  double variance = 0;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const double off = data.values[i * data.columns + column] - mean;
    variance += off * off / n;
  }
  // What rounding leaves of a constant is no spread.
  const bool constant = std::sqrt(variance) <= 1e-12 * std::abs(mean);
  Standard standard;
  if (options.flag("centered")) standard.shift = mean;
  if (options.flag("scaled") && !constant) standard.scale = std::sqrt(variance);
  return standard;
}

template <class T>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  const double sd = options.positive("prior_sd");
  const std::size_t dim = dim_of_data(options);
  const auto& data = options.data;
  const auto is_high = labels_of(data);
  std::vector<Standard> standards;
  for (std::size_t c = 0; c + 1 < data.columns; ++c) standards.push_back(standard_of(options, c));
  const double log_size = std::log(sd) + 0.5 * std::log(2 * std::numbers::pi);
  LogisticSettings<T> settings{
      {}, static_cast<T>(1 / (sd * sd)), static_cast<T>(-static_cast<double>(dim) * log_size)};
  settings.rows.reserve(data.rows() * dim);
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const double sign = is_high[i] ? 1 : -1;
    if (options.flag("intercept")) settings.rows.push_back(static_cast<T>(sign));
    for (std::size_t c = 0; c + 1 < data.columns; ++c) {
      const double x = data.values[i * data.columns + c];
      settings.rows.push_back(static_cast<T>(sign * (x - standards[c].shift) / standards[c].scale));
    }
  }
  return std::make_unique<KernelDensity<T, LogisticSettings<T>>>(dim, std::move(settings),
                                                                 kernels_for<T>(options.set));
}

std::optional<double> log_z(const TargetOptions&) {
  return std::nullopt;
}

std::vector<std::string> names(const TargetOptions& options) {
  std::vector<std::string> all;
  if (options.flag("intercept")) all.emplace_back("intercept");
  for (std::size_t c = 1; c < options.data.columns; ++c) all.push_back(fmt::format("beta.{}", c));
  return all;
}

}  // namespace

const TargetEntry logistic_entry{
    .name = "logistic",
    .summary = "logistic regression on the rows of a file, with normal priors",
    .default_dim = 0,
    .any_dim = false,
    .improper = false,
    .options = numbers,
    .log_z = &log_z,
    .make_float = &make<float>,
    .make_double = &make<double>,
    .make_dual = &make<Dual>,
    .posterior = true,
    .dim_of_data = &dim_of_data,
    .parameters = {.names = &names},
};

}  // namespace riffle
