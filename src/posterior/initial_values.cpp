#include "posterior/initial_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/philox.h"
#include "io/cmdstan.h"
#include "io/files.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr double stan_reach = 2;

/// The values of all parameters at which those that the file has are its, and the rest as at a
/// random point.
std::vector<double> completed(const std::vector<std::optional<double>>& given, const Target& target,
                              const RandomStream& stream, std::uint32_t start) {
  std::vector<double> z(target.dim());
  for (std::size_t d = 0; d < z.size(); ++d) {
    z[d] = stan_reach * (2 * stream.uniform(start, static_cast<std::uint32_t>(d)) - 1);
  }
  std::vector<double> theta(target.parameter_names().size());
  target.constrain(z, theta);
  theta.resize(given.size());
  for (std::size_t i = 0; i < given.size(); ++i) theta[i] = given[i].value_or(theta[i]);
  return theta;
}

/// z of the parameters, where these are in the support. Throws Error{usage} for a target that
/// cannot tell.
std::optional<std::vector<double>> unconstrained(const Target& target,
                                                 const std::vector<double>& theta) {
  std::vector<double> z(target.dim());
  if (!target.unconstrain(theta, z)) {
    throw Error(ErrorKind::usage,
                "the target does not know the inverse of its constrain(): give a "
                "radius in place of a file");
  }
  const bool inside = std::all_of(z.begin(), z.end(), [](double x) { return std::isfinite(x); });
  return inside ? std::optional(std::move(z)) : std::nullopt;
}

/// The parameter without whose values the rest would do; empty where it is not one alone.
std::string culprit(const std::vector<std::optional<double>>& given, const Target& target,
                    const RandomStream& stream) {
  const auto names = target.parameter_names();
  const auto base = [&](std::size_t i) { return names[i].substr(0, names[i].find_first_of(".:")); };
  for (std::size_t first = 0; first < given.size();) {
    auto without = given;
    std::size_t next = first;
    for (; next < given.size() && base(next) == base(first); ++next) without[next].reset();
    const bool had = given[first].has_value();
    if (had && unconstrained(target, completed(without, target, stream, 0))) return base(first);
    first = next;
  }
  return {};
}

/// The starts from a file: one where it has all parameters. Where not, what is drawn need not go
/// with what is given, such as where one bounds the other.
std::vector<std::vector<double>> starts_of(const std::vector<std::optional<double>>& given,
                                           const Target& target, std::uint64_t seed) {
  const bool whole = std::all_of(given.begin(), given.end(), [](auto x) { return x.has_value(); });
  const std::size_t wanted = whole ? 1 : 104;  // as many as are tried without a file
  const std::uint32_t most_tries = whole ? 1 : 1000;
  const RandomStream stream{seed, Purpose::mode_search, 3};
  std::vector<std::vector<double>> starts;
  for (std::uint32_t i = 0; i < most_tries && starts.size() < wanted; ++i) {
    auto z = unconstrained(target, completed(given, target, stream, i));
    if (z) starts.push_back(std::move(*z));
  }
  if (starts.empty()) {
    const auto name = culprit(given, target, stream);
    throw Error(ErrorKind::data,
                name.empty() ? std::string("the values are not where the parameters can be")
                             : fmt::format("the values of {} are not where it can be", name));
  }
  return starts;
}

}  // namespace

InitialValues initial_values(const std::string& init, const Target& target, std::uint64_t seed) {
  if (init.empty()) return {};
  const double radius = init_radius(init);
  if (radius == 0) return {radius, {std::vector<double>(target.dim(), 0.0)}};
  if (!std::isnan(radius)) return {radius, {}};
  const auto names = target.parameter_names();
  const auto given =
      read_inits(read_file(init), init, names, target.parameter_count(), target.generated_names());
  try {
    return {stan_reach, starts_of(given, target, seed)};
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", init, error.what()));
  }
}

}  // namespace riffle
