#include "io/cmdstan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/names.h"
#include "io/files.h"
#include "io/model_data.h"
#include "riffle/error.h"
#include "riffle/version.h"

namespace riffle {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> header(DrawsFormat format, std::span<const std::string> names,
                                bool chains) {
  std::vector<std::string> columns;
  if (format == DrawsFormat::plain) {
    columns = {"lp__", "lp_approx__"};
    if (chains) columns.emplace_back("chain__");
  } else {
    columns = {"lp_approx__", "lp__", "path__"};
  }
  for (const auto& name : names) {
    if (name.empty() || name.find_first_of(",\"#\r\n") != std::string::npos) {
      throw Error(ErrorKind::data, fmt::format("the parameter name \"{}\" cannot head a column of "
                                               "CSV; use names such as a or a.1.2",
                                               name));
    }
    columns.push_back(name);
  }
  return columns;
}

/// A line of the configuration is `key = value`, and readers take any comment with '=' for one.
std::string configuration(const DrawsOrigin& origin) {
  std::string model;
  for (const char c : origin.model) {
    model += c == '=' || static_cast<unsigned char>(c) < 0x21 ? '_' : c;
  }
  if (model.empty()) model = "model";
  return fmt::format(
      "# Draws by Riffle, in the layout of CmdStan's pathfinder\n"
      "# riffle_version = {}\n"
      "# model = {}\n"
      "# method = pathfinder\n"
      "#   pathfinder\n"
      "#     num_draws = {}\n"
      "#     num_paths = {}\n"
      "#     psis_resample = {}\n"
      "# id = 1\n"
      "# random\n"
      "#   seed = {}\n"
      "# iter = {}\n"
      "# warmup = 0\n"
      "# thin = 1\n"
      "# save_warmup = 0\n",
      version(), model, origin.draws, origin.chains > 0 ? origin.chains : origin.paths,
      origin.resampled ? 1 : 0, origin.seed, origin.draws);
}

/// Where a value is in the JSON: a name, then ".i" for the i-th element of an array and ":i" for
/// that of a tuple, and, in the end, ".real" and ".imag" for the two elements that a complex number
/// is in JSON. A name without such an end is taken whole.
struct Place {
  struct Step {
    char kind;
    std::size_t index;
  };
  std::string_view name;
  std::vector<Step> steps;
};

/// `most` bounds what an index can be: an array has no more elements than there are names.
Place place_of(std::string_view name, std::size_t most) {
  Place place{name.substr(0, name.find_first_of(".:")), {}};
  auto rest = name.substr(place.name.size());
  while (!rest.empty()) {
    if (rest == ".real" || rest == ".imag") {
      place.steps.push_back({'.', rest == ".real" ? std::size_t{1} : std::size_t{2}});
      break;
    }
    std::size_t index = 0;
    const auto [stop, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), index);
    const bool is_kind = rest[0] == '.' || rest[0] == ':';
    if (!is_kind || error != std::errc() || index == 0 || index > most) return {name, {}};
    place.steps.push_back({rest[0], index});
    rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
  }
  return place;
}

/// The empty node at a place, made where it is not there; nothing where another value is in the
/// way.
Json* node_at(Json& root, const Place& place) {
  Json* node = &root;
  for (const auto& [kind, index] : place.steps) {
    if (kind == ':') {
      if (!node->is_null() && !node->is_object()) return nullptr;
      node = &(*node)[std::to_string(index)];
    } else {
      if (!node->is_null() && !node->is_array()) return nullptr;
      while (node->size() < index) node->push_back(nullptr);
      node = &(*node)[index - 1];
    }
  }
  return node->is_null() ? node : nullptr;
}

bool has_gaps(const Json& node) {
  if (node.is_null()) return true;
  return node.is_structured() && std::any_of(node.begin(), node.end(), has_gaps);
}

/// Where the values of parameters are in the JSON. Names with the same beginning belong to one
/// array or tuple, but where they do not make up a whole one: then each is a key by itself.
std::vector<Place> places_of(std::span<const std::string> names) {
  std::vector<Place> places;
  std::map<std::string_view, std::vector<std::size_t>> groups;
  for (const auto& name : names) {
    places.push_back(place_of(name, names.size()));
    const std::string_view whole = name;
    groups[whole.substr(0, whole.find_first_of(".:"))].push_back(places.size() - 1);
  }
  for (const auto& [name, members] : groups) {
    Json value;
    bool whole = true;
    for (const auto i : members) {
      const bool is_element = !places[i].steps.empty() || places[i].name == name;
      Json* const node = is_element ? node_at(value, places[i]) : nullptr;
      if (node != nullptr) *node = 0;
      whole = whole && node != nullptr;
    }
    if (whole && !has_gaps(value)) continue;
    for (const auto i : members) places[i] = {names[i], {}};
  }
  return places;
}

std::size_t leaves(const nlohmann::json& node) {
  if (!node.is_structured()) return 1;
  std::size_t all = 0;
  for (const auto& inner : node) all += leaves(inner);
  return all;
}

/// The number at a place; nothing where there is none.
std::optional<double> number_at(const nlohmann::json& value, const Place& place) {
  const auto* node = &value;
  for (const auto& [kind, index] : place.steps) {
    if (kind == ':') {
      const auto found = node->find(std::to_string(index));
      if (!node->is_object() || found == node->end()) return std::nullopt;
      node = &*found;
    } else {
      if (!node->is_array() || node->size() < index) return std::nullopt;
      node = &(*node)[index - 1];
    }
  }
  return node->is_number() ? std::optional(node->get<double>()) : std::nullopt;
}

Json number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Inf" : "-Inf";
  return value;
}

}  // namespace

void check_layout(DrawsFormat format, std::span<const std::string> names) {
  if (format != DrawsFormat::cmdstan) return;
  const auto broken = [](std::string_view name, std::string_view why) {
    return Error(ErrorKind::data,
                 fmt::format("{} {}: readers of CmdStan's files would take its values for others; "
                             "use other names, or --output-format plain",
                             name, why));
  };
  const auto places = places_of(names);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& place = places[i];
    if (place.steps.empty() && !place_of(names[i], names.size()).steps.empty()) {
      throw broken(names[i], "belongs to an array that is not there as a whole");
    }
    const bool goes_on = i > 0 && places[i - 1].name == place.name;
    if (!goes_on && !seen.insert(place.name).second) {
      throw broken(names[i], "is not beside the other elements of its array");
    }
    // Of tuples and complex numbers the order is another.
    const bool complex = names[i].ends_with(".real") || names[i].ends_with(".imag");
    if (!goes_on || complex || names[i].find(':') != std::string::npos) continue;
    const auto& before = places[i - 1].steps;
    const auto earlier = [](const Place::Step& a, const Place::Step& b) {
      return a.index < b.index;
    };
    if (!std::lexicographical_compare(before.rbegin(), before.rend(), place.steps.rbegin(),
                                      place.steps.rend(), earlier)) {
      throw broken(names[i],
                   "does not follow the other elements of its array in column-major order");
    }
  }
}

DrawsCsv::DrawsCsv(DrawsFormat format, std::span<const std::string> names, DrawsOrigin origin)
    : format_(format),
      origin_(std::move(origin)),
      columns_(names.size()),
      comments_(format == DrawsFormat::cmdstan ? configuration(origin_) : std::string()),
      csv_(header(format, names, origin_.chains > 0)) {
  check_layout(format, names);
}

void DrawsCsv::add(std::span<const double> values, double log_p, double log_q, std::uint64_t path) {
  assert(values.size() == columns_);
  if (format_ == DrawsFormat::plain) {
    csv_.add(log_p);
    csv_.add(log_q);
    if (origin_.chains > 0) csv_.add(path);
  } else {
    csv_.add(log_q);
    csv_.add(log_p);
    csv_.add(path);
  }
  for (const double value : values) csv_.add(value);
  csv_.end_row();
}

void DrawsCsv::finish() {
  if (format_ == DrawsFormat::plain) return;
  auto text = take();
  comments_ = std::move(text) + fmt::format(
                                    "# \n"
                                    "#  Elapsed Time: {:.6g} seconds (Fit)\n"
                                    "#                {:.6g} seconds (Draws)\n"
                                    "#                {:.6g} seconds (Total)\n"
                                    "# \n",
                                    origin_.fit_seconds, origin_.draw_seconds,
                                    origin_.fit_seconds + origin_.draw_seconds);
}

std::string DrawsCsv::take() {
  return std::exchange(comments_, {}) + csv_.take();
}

PosteriorDraws read_draws(const std::filesystem::path& path) {
  const auto table = parse_csv(read_file(path), path.string(), CsvNames::required, '#');
  const auto column = [&](std::string_view name) {
    const auto found = std::ranges::find(table.header, name);
    if (found == table.header.end()) {
      throw Error(ErrorKind::data,
                  fmt::format("{} holds no draws of a posterior: it has no column {}",
                              path.string(), name));
    }
    return static_cast<std::size_t>(found - table.header.begin());
  };
  const auto log_p = column("lp__");
  const auto log_q = column("lp_approx__");
  PosteriorDraws draws;
  std::vector<std::size_t> parameters;
  for (std::size_t c = 0; c < table.header.size(); ++c) {
    const auto& name = table.header[c];
    if (c == log_p || c == log_q || name == "path__" || name == "chain__") continue;
    parameters.push_back(c);
    draws.names.push_back(table.header[c]);
  }
  for (std::size_t row = 0; row < table.rows(); ++row) {
    draws.log_p.push_back(table.at(row, log_p));
    draws.log_q.push_back(table.at(row, log_q));
    for (const auto c : parameters) draws.values.push_back(table.at(row, c));
  }
  return draws;
}

std::string inits_json(std::span<const std::string> names, std::size_t parameters,
                       std::span<const double> values) {
  assert(parameters <= names.size() && parameters <= values.size());
  auto inits = Json::object();
  const auto places = places_of(names.first(parameters));
  for (std::size_t i = 0; i < parameters; ++i) {
    *node_at(inits[std::string(places[i].name)], places[i]) = number(values[i]);
  }
  return inits.dump(2) + "\n";
}

double init_radius(const std::string& init) {
  double radius = 0;
  const char* const end = init.data() + init.size();
  const auto [stop, error] = std::from_chars(init.data(), end, radius);
  const bool whole = !init.empty() && error == std::errc() && stop == end;
  return whole ? radius : std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::optional<double>> read_inits(const std::string& text, const std::string& origin,
                                              std::span<const std::string> names,
                                              std::size_t parameters,
                                              std::span<const std::string> also) {
  assert(parameters <= names.size());
  check_json(text, origin);
  const auto wrong = [&](const std::string& what) {
    return Error(ErrorKind::data, fmt::format("{}: {}", origin, what));
  };
  nlohmann::json root;
  try {
    root = nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception&) {  // what check_json lets pass is a bare NaN or Inf
    throw wrong("a value is NaN or Inf, but initial values must be finite");
  }
  const auto places = places_of(names.first(parameters));
  std::map<std::string_view, std::size_t> sizes;
  for (const auto& place : places) ++sizes[place.name];
  std::vector<std::string_view> known;
  for (const auto& [name, size] : sizes) known.push_back(name);
  std::set<std::string_view> others;
  for (const auto& name : names.subspan(parameters)) {
    others.insert(place_of(name, names.size()).name);
  }
  for (const auto& name : also) others.insert(place_of(name, also.size()).name);
  for (const auto& [name, value] : root.items()) {
    const auto size = sizes.find(name);
    const auto there = leaves(value);
    // A parameter of size 0 has no name here.
    if (size == sizes.end() && !others.contains(name) && there > 0) {
      throw wrong(unknown_name_message("parameter", name, known));
    }
    if (size != sizes.end() && size->second != there) {
      throw wrong(fmt::format("{} has {} {}, but the parameter has {}", name, there,
                              there == 1 ? "value" : "values", size->second));
    }
  }
  std::vector<std::optional<double>> values(parameters);
  for (std::size_t i = 0; i < parameters; ++i) {
    const auto found = root.find(std::string(places[i].name));
    if (found == root.end()) continue;
    values[i] = number_at(*found, places[i]);
    if (!values[i]) {
      throw wrong(
          fmt::format("{} is missing or no finite number: {} must be a number, or nested "
                      "as the parameter is declared",
                      names[i], places[i].name));
    }
  }
  return values;
}

std::vector<std::filesystem::path> write_inits(const std::filesystem::path& folder,
                                               std::span<const std::string> names,
                                               std::size_t parameters,
                                               std::span<const double> values) {
  std::vector<std::filesystem::path> paths;
  const std::size_t n = names.empty() ? 0 : values.size() / names.size();
  for (std::size_t i = 0; i < n; ++i) {
    paths.push_back(folder /
                    (n == 1 ? std::string("inits.json") : fmt::format("inits_{}.json", i + 1)));
    write_file(paths.back(),
               inits_json(names, parameters, values.subspan(i * names.size(), names.size())));
  }
  return paths;
}

}  // namespace riffle
