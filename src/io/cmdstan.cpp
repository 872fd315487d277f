#include "io/cmdstan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/names.h"
#include "io/files.h"
#include "riffle/error.h"
#include "riffle/version.h"

namespace riffle {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> header(DrawsFormat format, std::span<const std::string> names) {
  std::vector<std::string> columns;
  if (format == DrawsFormat::plain) {
    columns = {"lp__", "lp_approx__"};
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
      version(), model, origin.draws, origin.paths, origin.resampled ? 1 : 0, origin.seed,
      origin.draws);
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

/// The node at a place, made where it is not there; nothing where another value is in the way.
Json* node_at(Json& root, const Place& place) {
  Json* node = &root[std::string(place.name)];
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
  return node;
}

Json number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Inf" : "-Inf";
  return value;
}

}  // namespace

DrawsFormat draws_format(std::string_view name) {
  struct Entry {
    std::string_view name;
    DrawsFormat format;
  };
  static constexpr std::array<Entry, 2> formats{
      {{"plain", DrawsFormat::plain}, {"cmdstan", DrawsFormat::cmdstan}}};
  return find_by_name(std::span<const Entry>(formats), name, "format of draws").format;
}

DrawsCsv::DrawsCsv(DrawsFormat format, std::span<const std::string> names, DrawsOrigin origin)
    : format_(format),
      origin_(std::move(origin)),
      columns_(names.size()),
      comments_(format == DrawsFormat::cmdstan ? configuration(origin_) : std::string()),
      csv_(header(format, names)) {}

void DrawsCsv::add(std::span<const double> values, double log_p, double log_q, std::uint64_t path) {
  assert(values.size() == columns_);
  if (format_ == DrawsFormat::plain) {
    csv_.add(log_p);
    csv_.add(log_q);
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
    if (c == log_p || c == log_q || table.header[c] == "path__") continue;
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
  for (std::size_t i = 0; i < parameters; ++i) {
    Json* node = node_at(inits, place_of(names[i], names.size()));
    if (node == nullptr) node = &inits[names[i]];
    *node = number(values[i]);
  }
  return inits.dump(2) + "\n";
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
