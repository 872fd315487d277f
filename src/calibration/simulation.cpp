#include "calibration/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/philox.h"
#include "fit/external_target.h"
#include "io/files.h"
#include "io/model_data.h"
#include "riffle/error.h"
#include "riffle/target.h"

namespace riffle {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view suffix = "_sim";
constexpr std::uint64_t simulations = std::uint64_t{1} << 49;  // a step that no fit reaches

/// One number of the simulated data: of which entry, where in it, and where among what the model
/// generates.
struct Entry {
  std::string name;
  std::vector<std::size_t> at;  ///< indices from 0
  std::size_t value;
};

struct Plan {
  std::vector<std::size_t> parameters;  ///< where their values are
  std::vector<Entry> data;
};

/// "y_sim.2.1" -> "y", {1, 0}; whether it is a simulation at all.
bool read_name(std::string_view name, Entry& entry) {
  const auto root = name.substr(0, name.find('.'));
  if (!root.ends_with(suffix)) return false;
  entry.name = root.substr(0, root.size() - suffix.size());
  auto rest = name.substr(root.size());
  while (!rest.empty()) {
    std::size_t index = 0;
    const auto end = std::min(rest.find('.', 1), rest.size());
    std::from_chars(rest.data() + 1, rest.data() + end, index);
    if (index == 0) return false;
    entry.at.push_back(index - 1);
    rest.remove_prefix(end);
  }
  return true;
}

Plan plan_of(const Target& target, const Json& pattern) {
  auto parameters = target.parameter_names();
  parameters.resize(target.parameter_count());
  const auto generated = target.generated_names();
  std::map<std::string, std::size_t> at;
  for (std::size_t i = 0; i < generated.size(); ++i) at[generated[i]] = i;

  Plan plan;
  std::map<std::string, bool> is_parameter;
  for (const auto& name : parameters) {
    const auto dot = std::min(name.find('.'), name.size());
    is_parameter[name.substr(0, dot)] = true;
    const auto simulated = name.substr(0, dot) + std::string(suffix) + name.substr(dot);
    const auto found = at.find(simulated);
    if (found == at.end()) {
      throw Error(ErrorKind::data, fmt::format("the generated quantities have no {}, a draw of the "
                                               "prior of {}",
                                               simulated, name));
    }
    plan.parameters.push_back(found->second);
  }
  for (std::size_t i = 0; i < generated.size(); ++i) {
    Entry entry{{}, {}, i};
    if (!read_name(generated[i], entry) || is_parameter.contains(entry.name)) continue;
    if (!pattern.contains(entry.name)) {
      throw Error(ErrorKind::data, fmt::format("{} simulates no parameter, and the data have no {}",
                                               generated[i], entry.name));
    }
    plan.data.push_back(std::move(entry));
  }
  if (plan.data.empty()) {
    throw Error(ErrorKind::data,
                "the generated quantities simulate no data: of an entry y they need y_sim");
  }
  return plan;
}

Json number_json(double x, bool whole) {
  return whole ? Json(static_cast<std::int64_t>(x)) : Json(x);
}

void put(Json& data, const Entry& entry, Json value) {
  Json* place = &data[entry.name];
  for (const auto index : entry.at) {
    if (!place->is_array() || index >= place->size()) {
      throw Error(ErrorKind::data, fmt::format("{}{} has another shape than {} in the data",
                                               entry.name, suffix, entry.name));
    }
    place = &(*place)[index];
  }
  if (!place->is_number()) {
    throw Error(ErrorKind::data, fmt::format("{}{} has another shape than {} in the data",
                                             entry.name, suffix, entry.name));
  }
  *place = std::move(value);
}

}  // namespace

std::uint64_t seed_of_simulation(const Spec& spec, std::size_t number) {
  return spec.run.seed + number;
}

std::vector<Simulation> simulate(const Spec& spec, std::size_t count) {
  if (spec.target.stan.empty()) {
    throw Error(ErrorKind::usage,
                "calibration needs a Stan model whose generated quantities simulate: --stan FILE");
  }
  Spec own = spec;
  own.target.generated_quantities = true;
  const auto target = external_target(own);
  Json pattern;
  try {
    pattern = Json::parse(is_data_path(spec.target.data) ? read_file(spec.target.data)
                                                         : spec.target.data);
  } catch (const Json::exception& damage) {
    throw Error(ErrorKind::data, fmt::format("the data: {}", damage.what()));
  }
  const auto plan = plan_of(*target, pattern);

  const auto names = target->generated_names();
  std::vector<double> values(names.size());
  const std::vector<double> origin(target->dim(), 0.0);  // what is simulated does not depend on it
  std::vector<Simulation> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    const RandomStream stream{spec.run.seed, Purpose::initial_values, simulations};
    const auto words =
        Philox::block(stream.counter(static_cast<std::uint32_t>(i), 0), stream.key());
    const auto generator =
        target->generator((std::uint64_t{words[0]} << 32) | std::uint64_t{words[1]});
    generator->generate(origin, values);
    const auto finite = [&](std::size_t at) {
      if (!std::isfinite(values[at])) {
        throw Error(ErrorKind::data,
                    fmt::format("{} is {} in simulation {}{}", names[at], values[at], i,
                                generator->failures().first_message.empty()
                                    ? ""
                                    : ": " + generator->failures().first_message));
      }
      return values[at];
    };
    for (const auto at : plan.parameters) all[i].parameters.push_back(finite(at));
    // Whole numbers are written as such where all of an entry are, since Stan takes them for both.
    std::map<std::string, bool> whole;
    for (const auto& entry : plan.data) {
      const double x = finite(entry.value);
      const auto [place, is_new] = whole.try_emplace(entry.name, true);
      place->second = place->second && std::floor(x) == x && std::abs(x) < 1e15;
    }
    Json data = pattern;
    for (const auto& entry : plan.data) {
      put(data, entry, number_json(values[entry.value], whole[entry.name]));
    }
    all[i].data = data.dump();
  }
  return all;
}

}  // namespace riffle
