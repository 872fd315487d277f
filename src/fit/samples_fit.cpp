#include <fmt/format.h>

#include <cmath>

#include "fit/density_fit.h"
#include "riffle/error.h"
#include "riffle/samples.h"
#include "targets/value_names.h"

namespace riffle {
namespace {

Points points_of(const Samples& samples) {
  constexpr std::size_t most_dim = 1'000'000;
  const auto dim = samples.dim;
  if (dim == 0 || dim > most_dim) {
    throw Error(ErrorKind::usage,
                fmt::format("samples of dimension {}: 1 to {} are possible", dim, most_dim));
  }
  if (samples.values.size() % dim != 0) {
    throw Error(ErrorKind::usage, fmt::format("{} numbers are no whole points of dimension {}",
                                              samples.values.size(), dim));
  }
  if (!samples.names.empty() && samples.names.size() != dim) {
    throw Error(ErrorKind::usage, fmt::format("{} names of coordinates are not one for each of {}",
                                              samples.names.size(), dim));
  }
  check_value_names(samples.names, {}, "samples");
  Points points{dim, !samples.names.empty(), samples.names,
                std::vector<double>(samples.values.begin(), samples.values.end())};
  for (std::size_t d = points.names.size(); d < dim; ++d) {
    points.names.push_back(fmt::format("z.{}", d + 1));
  }
  for (std::size_t i = 0; i < points.values.size(); ++i) {
    if (std::isfinite(points.values[i])) continue;
    throw Error(ErrorKind::data, fmt::format("samples: row {}, column {} is {}, no finite number",
                                             i / dim + 1, points.names[i % dim], points.values[i]));
  }
  return points;
}

}  // namespace

FitReport fit(const Spec& spec, const Samples& samples, const FitCallbacks& callbacks) {
  auto settled = spec;
  settled.target = {};
  settled.target.samples = "samples";
  settled.validate();
  const auto points = points_of(samples);
  const auto parts = split_points(settled, points);
  return density_fit(settled, parts, callbacks, {});
}

}  // namespace riffle
