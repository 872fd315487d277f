#include "riffle/spec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <sstream>
#include <type_traits>

#include "core/instruction_set.h"
#include "core/names.h"
#include "inference/objective.h"
#include "inference/optimizer.h"
#include "inference/schedule.h"
#include "io/cmdstan.h"
#include "io/csv.h"
#include "io/files.h"
#include "model/flow_model.h"
#include "spec/recipes.h"
#include "targets/formula/formula.h"
#include "targets/target_registry.h"

namespace riffle {
namespace {

/// Calls visit(section, key, field) for every key of a spec but the target's own numbers.
template <class S, class Visit>
void for_each_key(S& s, Visit&& visit) {
  visit("target", "name", s.target.name);
  visit("target", "dim", s.target.dim);
  visit("target", "log_floor", s.target.log_floor);
  visit("target", "samples", s.target.samples);
  visit("target", "columns", s.target.columns);
  visit("target", "stan", s.target.stan);
  visit("target", "plugin", s.target.plugin);
  visit("target", "density", s.target.density);
  visit("target", "log_density", s.target.log_density);
  visit("target", "coordinates", s.target.coordinates);
  visit("target", "data", s.target.data);
  visit("target", "init", s.target.init);
  visit("target", "thread_safe", s.target.thread_safe);
  visit("target", "generated_quantities", s.target.generated_quantities);
  visit("base", "name", s.base.name);
  visit("flow", "layers", s.flow.layers);
  visit("flow", "log_det_floor", s.flow.log_det_floor);
  visit("objective", "name", s.objective.name);
  visit("optimizer", "name", s.optimizer.name);
  visit("optimizer", "learning_rate", s.optimizer.learning_rate);
  visit("optimizer", "clip_norm", s.optimizer.clip_norm);
  visit("schedule", "name", s.schedule.name);
  visit("run", "method", s.run.method);
  visit("run", "max_seconds", s.run.max_seconds);
  visit("run", "max_gradients", s.run.max_gradients);
  visit("run", "fits", s.run.fits);
  visit("run", "iterations", s.run.iterations);
  visit("run", "batch", s.run.batch);
  visit("run", "seed", s.run.seed);
  visit("run", "threads", s.run.threads);
  visit("run", "precision", s.run.precision);
  visit("run", "simd", s.run.simd);
  visit("run", "log_every", s.run.log_every);
  visit("run", "snapshot_every", s.run.snapshot_every);
  visit("run", "evaluation_draws", s.run.evaluation_draws);
  visit("run", "draws", s.run.draws);
  visit("run", "resample", s.run.resample);
  visit("run", "output_format", s.run.output_format);
  visit("run", "strict", s.run.strict);
  visit("run", "checkpoint_seconds", s.run.checkpoint_seconds);
  visit("run", "plots", s.run.plots);
  visit("run", "quiet", s.run.quiet);
  visit("run", "force", s.run.force);
  visit("run", "out", s.run.out);
}

bool belongs_to_one_run(std::string_view section, std::string_view key) {
  return section == "run" && (key == "out" || key == "force");
}

/// Whether the target comes from a library.
bool is_external(const Spec& spec) {
  return !spec.target.stan.empty() || !spec.target.plugin.empty();
}

/// Whether the target is a formula.
bool is_formula(const Spec& spec) {
  return !spec.target.density.empty() || !spec.target.log_density.empty();
}

/// Whether a run of the spec takes notice of a key.
bool matters(const Spec& spec, std::string_view section, std::string_view key) {
  if (section == "target") {
    if (key == "name")
      return !is_external(spec) && !is_formula(spec) && spec.target.samples.empty();
    if (key == "thread_safe" || key == "generated_quantities") return is_external(spec);
    return true;
  }
  if (spec.run.method != Method::staged) return true;
  if (section != "run") return false;
  constexpr std::array unused{"iterations", "batch",          "precision",
                              "log_every",  "snapshot_every", "checkpoint_seconds"};
  return std::find(unused.begin(), unused.end(), key) == unused.end();
}

Error usage(const std::string& message) {
  return {ErrorKind::usage, message};
}

/// A string of TOML on one line, in double quotes.
std::string toml_string(std::string_view text) {
  std::string all = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      all += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7F) {
      all += fmt::format("\\u{:04X}", byte);
    } else {
      all += c;
    }
  }
  return all + '"';
}

/// A value as a message names it: short, and on one line.
std::string shown(const toml::node& node) {
  if (const auto* array = node.as_array()) return fmt::format("an array of {}", array->size());
  if (node.is_table()) return "a table";
  std::string all;
  if (const auto text = node.value_exact<std::string>()) {
    all = toml_string(*text);
  } else {
    std::ostringstream stream;
    stream << toml::node_view<const toml::node>(node);
    all = stream.str();
  }
  constexpr std::size_t longest = 40;
  if (all.size() <= longest) return all;
  auto end = longest;
  while ((static_cast<unsigned char>(all[end]) & 0xC0) == 0x80) --end;  // no part of a character
  return all.substr(0, end) + "...";
}

/// A value as an argument, as far as it can be one.
std::string as_argument(const toml::node& node) {
  if (const auto yes = node.value_exact<bool>()) return *yes ? "yes" : "no";
  if (const auto number = node.value_exact<double>()) return argument_text(*number);
  const auto text = shown(node);
  return node.is_string() ? text.substr(1, text.find_last_of('"') - 1) : text;
}

/// Reads one value into a field; `key` is its full name.
template <class Field>
void read(const toml::node& node, const std::string& key, Field& field) {
  const auto wrong = [&](std::string_view wanted) {
    return usage(fmt::format("{} must be {}, not {}", key, wanted, shown(node)));
  };
  if constexpr (std::is_same_v<Field, std::string>) {
    const auto value = node.value_exact<std::string>();
    if (!value) throw wrong("a string");
    field = *value;
  } else if constexpr (NamedEnum<Field>) {
    const auto value = node.value_exact<std::string>();
    if (!value) throw wrong("a string");
    field = static_cast<Field>(place_of_name(key, as_argument(node), ChoiceNames<Field>::all));
  } else if constexpr (std::is_same_v<Field, std::vector<std::string>>) {
    field.clear();
    if (const auto text = node.value_exact<std::string>()) {
      field = split_csv_line(*text);
      return;
    }
    const auto* const array = node.as_array();
    if (const auto column = node.value_exact<std::int64_t>(); column && *column >= 0) {
      field.push_back(shown(node));
      return;
    }
    if (array == nullptr) throw wrong("an array of names, or names with commas between them");
    for (const auto& item : *array) {
      const auto name = item.value_exact<std::string>();
      if (!name) throw wrong("an array of names");
      field.push_back(*name);
    }
  } else if constexpr (std::is_same_v<Field, bool>) {
    const auto value = node.value_exact<bool>();
    if (!value) throw wrong("true or false");
    field = *value;
  } else if constexpr (std::is_same_v<Field, double>) {
    if (!node.is_number()) throw wrong("a number");
    field = *node.value<double>();
  } else {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < 0) throw wrong("a whole number from 0 to 9223372036854775807");
    field = static_cast<std::uint64_t>(*value);
  }
}

void read_key(Spec& spec, const std::string& section, const std::string& key,
              const toml::node& node) {
  bool known_section = false;
  bool done = false;
  std::vector<std::string_view> keys;
  for_each_key(spec, [&](std::string_view s, std::string_view k, auto& field) {
    if (s != section) return;
    known_section = true;
    keys.push_back(k);
    if (k == key) {
      read(node, section + "." + key, field);
      done = true;
    }
  });
  if (done || !known_section) return;
  if (section == "target") {
    const auto& entry = find_by_name(target_registry(), spec.target.name, "target");
    for (const auto& option : entry.options) {
      keys.push_back(option.name);
      if (option.name == key) {
        double& number = spec.target.numbers[key];
        const auto yes = node.value_exact<bool>();
        if (option.flag && yes) {
          number = *yes ? 1 : 0;
        } else {
          read(node, fmt::format("{}.{}", section, key), number);
        }
        return;
      }
    }
  }
  throw usage(unknown_name_message(fmt::format("key in section [{}] named", section), key, keys));
}

std::vector<std::string_view> section_names() {
  static constexpr std::string_view names[] = {"target",    "base",     "flow", "objective",
                                               "optimizer", "schedule", "run"};
  return {std::begin(names), std::end(names)};
}

/// The key of a section that says what it is about, which may stand for the section; empty where
/// there is none.
std::string main_key(std::string_view section) {
  return section == "run" ? "" : section == "flow" ? "layers" : "name";
}

/// What a section's name can name, with the options of each.
struct Named {
  std::string_view name;
  std::span<const Option> options;

  bool has(std::string_view key) const {
    return std::ranges::find(options, key, &Option::name) != options.end();
  }
};

std::vector<Named> named_in(std::string_view section) {
  std::vector<Named> all;
  const auto add = [&](const auto& registry) {
    for (const auto& entry : registry) all.push_back({entry.name, entry.options});
  };
  if (section == "objective") add(objective_registry());
  if (section == "optimizer") add(optimizer_registry());
  if (section == "schedule") add(schedule_registry());
  return all;
}

/// Throws where keys of a section are options of what it names, as which they are not keys: with
/// what to write instead.
void refuse_options(const Spec& spec, const std::string& section, const toml::table& keys) {
  const auto named = named_in(section);
  std::vector<std::string> given;
  for (const auto& [key, value] : keys) {
    const std::string name(key.str());
    if (std::ranges::any_of(named, [&](const auto& n) { return n.has(name); })) {
      given.push_back(name);
    }
  }
  if (given.empty()) return;
  const auto& text = section == "objective"   ? spec.objective.name
                     : section == "optimizer" ? spec.optimizer.name
                                              : spec.schedule.name;
  auto chosen = parse_choice(text, section);
  auto entry = find_by_name<Named>(named, chosen.name, section);
  if (std::ranges::none_of(given, [&](const auto& key) { return entry.has(key); })) {
    entry = *std::ranges::find_if(named, [&](const auto& n) { return n.has(given[0]); });
    chosen = {std::string(entry.name), 1, {}, {}};
  }
  std::vector<std::string> taken;
  std::vector<std::string> others;
  for (const auto& key : given) {
    (entry.has(key) ? taken : others).push_back(fmt::format("{}.{}", section, key));
    if (!entry.has(key)) continue;
    std::erase_if(chosen.arguments, [&](const auto& a) { return a.first == key; });
    chosen.arguments.emplace_back(key, as_argument(*keys.get(key)));
  }
  std::string arguments;
  for (const auto& [key, value] : chosen.arguments) {
    arguments += fmt::format("{}{}={}", arguments.empty() ? "" : ", ", key, value);
  }
  throw usage(fmt::format("{} {} of {}: write {}.name = \"{}({})\"{}", fmt::join(taken, ", "),
                          taken.size() == 1 ? "is an option" : "are options", entry.name, section,
                          entry.name, arguments,
                          others.empty() ? ""
                                         : fmt::format(", and leave out {}, which {} does not have",
                                                       fmt::join(others, ", "), entry.name)));
}

/// Reads the keys of one section, its name first: which others there are depends on it.
void read_section(Spec& spec, const std::string& section, const toml::table& keys) {
  if (const auto* name = keys.get("name")) read_key(spec, section, "name", *name);
  refuse_options(spec, section, keys);
  for (const auto& [key, value] : keys) read_key(spec, section, std::string(key.str()), value);
}

std::string number(double x) {
  if (std::isnan(x)) return "nan";
  if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
  auto text = fmt::format("{}", x);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

/// As TOML; empty where there is nothing to write.
template <class Field>
std::string written(const Field& field) {
  if constexpr (std::is_same_v<Field, std::string>) {
    return toml_string(field);
  } else if constexpr (NamedEnum<Field>) {
    return toml_string(name_of(field));
  } else if constexpr (std::is_same_v<Field, std::vector<std::string>>) {
    std::string all;
    for (const auto& name : field) all += (all.empty() ? "" : ", ") + toml_string(name);
    return "[" + all + "]";
  } else if constexpr (std::is_same_v<Field, bool>) {
    return field ? "true" : "false";
  } else if constexpr (std::is_same_v<Field, double>) {
    return number(field);
  } else if constexpr (std::is_same_v<Field, std::optional<std::uint64_t>>) {
    return field ? fmt::format("{}", *field) : std::string();
  } else {
    return fmt::format("{}", field);
  }
}

void check(bool good, std::string_view key, const auto& value, std::string_view wanted) {
  if (!good) throw usage(fmt::format("{} is {}, but must be {}", key, value, wanted));
}

/// Whether the keys of a section are the figure's own where run.method is "figure3".
bool belongs_to_figure3(std::string_view section) {
  return section == "target" || section == "flow";
}

Error not_with_figure3(std::string_view what) {
  return usage(fmt::format(
      "run.method is figure3, which has targets and flows of its own: leave out {}", what));
}

/// Throws where a key of theirs is not as it is by default.
void check_figure3(const Spec& spec) {
  auto usual = spec;
  usual.target = {};
  usual.flow = {};
  std::vector<std::string> values;
  for_each_key(usual, [&](std::string_view, std::string_view, const auto& field) {
    values.push_back(written(field));
  });
  auto value = values.begin();
  for_each_key(spec, [&](std::string_view section, std::string_view key, const auto& field) {
    if (written(field) != *value++) throw not_with_figure3(fmt::format("{}.{}", section, key));
  });
  if (!spec.target.numbers.empty()) {
    throw not_with_figure3("target." + spec.target.numbers.begin()->first);
  }
}

/// What a formula does not go together with, and what is wrong with it.
void check_formula(const Spec& spec) {
  const auto& target = spec.target;
  if (!is_formula(spec)) {
    if (!target.coordinates.empty()) {
      throw usage(
          fmt::format("target.coordinates is {}, but only a formula, target.density or "
                      "target.log_density, has coordinates to name",
                      target.coordinates));
    }
    return;
  }
  const bool is_log = target.density.empty();
  const std::string_view key = is_log ? "target.log_density" : "target.density";
  const auto refuse = [&](std::string_view other) {
    throw usage(fmt::format("{} and {} do not go together: a run has one target", key, other));
  };
  if (!is_log && !target.log_density.empty()) refuse("target.log_density");
  if (!target.samples.empty()) refuse("target.samples");
  if (!target.stan.empty()) refuse("target.stan");
  if (!target.plugin.empty()) refuse("target.plugin");
  if (!target.data.empty()) {
    throw usage(fmt::format("target.data is {}, but a formula takes no data: write numbers into it",
                            target.data));
  }
  const auto formula =
      parse_formula(is_log ? target.log_density : target.density,
                    is_log ? FormulaKind::log_density : FormulaKind::density,
                    parse_coordinates(target.coordinates, "target.coordinates"), key);
  if (target.dim && *target.dim != formula.dim()) {
    throw usage(fmt::format("target.dim is {}, but {} has {} coordinate{}", *target.dim, key,
                            formula.dim(), formula.dim() == 1 ? "" : "s"));
  }
  if (!target.numbers.empty()) {
    throw usage(fmt::format("target.{} is of another target than a formula",
                            target.numbers.begin()->first));
  }
  if (spec.run.method != Method::staged) {
    make_model<double>(spec.base.name, parse_flow(spec.flow.layers),
                       {formula.dim(), 0, InstructionSet::scalar()});
  }
}

/// What a target from a library does not go together with.
void check_external(const Spec& spec) {
  const auto& target = spec.target;
  if (!is_external(spec)) return;
  if (!target.stan.empty() && !target.plugin.empty()) {
    throw usage(fmt::format("target.stan is {} and target.plugin {}: a run has one target",
                            target.stan, target.plugin));
  }
  const std::string_view key = target.stan.empty() ? "target.plugin" : "target.stan";
  if (!target.samples.empty()) {
    throw usage(fmt::format("{} and target.samples do not go together: a run has one target", key));
  }
  if (target.dim) {
    throw usage(fmt::format("target.dim is {}, but the dimension is that of {}", *target.dim, key));
  }
  check(spec.run.precision == Precision::float64, "run.precision", name_of(spec.run.precision),
        fmt::format("double with {}", key));
}

}  // namespace

namespace {

/// The defaults of what a spec is for.
Spec defaults_of(const toml::table& table, Fitted fitted) {
  const auto has = [&](std::string_view section, std::string_view key) {
    const auto node = table[section][key];
    return !node.value_or(std::string_view("")).empty() ||
           (node && !node.is_string());  // of the wrong type, which is said later
  };
  const auto method = table["run"]["method"].value_or(std::string_view());
  if (method == name_of(Method::figure3)) return {};
  if (fitted == Fitted::samples || has("target", "samples")) return samples_spec();
  if (method == name_of(Method::staged)) return posterior_spec();
  if (fitted != Fitted::library && !has("target", "stan") && !has("target", "plugin")) return {};
  auto spec = posterior_spec();
  // Who names a flow, or how it is trained, wants that.
  const auto is_there = [&](std::string_view section) { return table.contains(section); };
  constexpr std::array sections{"base", "flow", "objective", "optimizer", "schedule"};
  constexpr std::array keys{"iterations", "batch", "log_every", "snapshot_every"};
  if (method.empty() &&
      (std::any_of(sections.begin(), sections.end(), is_there) ||
       std::any_of(keys.begin(), keys.end(), [&](auto key) { return has("run", key); }))) {
    spec.run.method = Method::flow;
  }
  return spec;
}

}  // namespace

Spec parse_spec(std::string_view text, std::string_view origin, Fitted fitted) {
  toml::table table;
  try {
    table = toml::parse(text, origin);
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    throw Error(ErrorKind::data, fmt::format("{}:{}:{}: not valid TOML: {}", origin, at.line,
                                             at.column, error.description()));
  }
  Spec spec = defaults_of(table, fitted);
  try {
    for (const auto& [section, content] : table) {
      const auto names = section_names();
      if (std::find(names.begin(), names.end(), section.str()) == names.end()) {
        throw usage(unknown_name_message("section", section.str(), names));
      }
      const auto* keys = content.as_table();
      const auto key = main_key(section.str());
      if (keys != nullptr) {
        read_section(spec, std::string(section.str()), *keys);
      } else if (content.is_string() && !key.empty()) {
        read_key(spec, std::string(section.str()), key, content);
      } else {
        throw usage(fmt::format("[{}] must be a section, not {}", section.str(), shown(content)));
      }
    }
    if (spec.run.method == Method::figure3) {
      for (const auto& [section, content] : table) {
        if (belongs_to_figure3(section.str())) {
          throw not_with_figure3(fmt::format("[{}]", section.str()));
        }
      }
    }
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", origin, error.what()));
  }
  return spec;
}

namespace {

/// The keys for which wanted(section, key, value) is true.
template <class Wanted>
std::string to_toml(const Spec& spec, Wanted&& wanted) {
  std::string text;
  std::string_view last_section;
  const bool figure3 = spec.run.method == Method::figure3;
  for_each_key(spec, [&](std::string_view section, std::string_view key, const auto& field) {
    if (figure3 && belongs_to_figure3(section)) return;
    const auto set = written(field);
    if (!wanted(section, key, set)) return;
    if (section != last_section) {
      if (last_section == "target") {
        for (const auto& [name, value] : spec.target.numbers) {
          text += fmt::format("{} = {}\n", name, number(value));
        }
      }
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
      last_section = section;
    }
    if (belongs_to_one_run(section, key)) return;
    // A formula has no name, and the name of another target would have keys of its own.
    if (section == "target" && key == "name" && is_formula(spec) &&
        spec.target.name == Spec().target.name) {
      return;
    }
    if (!set.empty()) text += fmt::format("{} = {}\n", key, set);
  });
  return text;
}

}  // namespace

std::string to_toml(const Spec& spec) {
  return to_toml(spec, [](auto, auto, const auto&) { return true; });
}

std::string effective_toml(const Spec& spec) {
  const std::string_view told = spec.run.method == Method::staged
                                    ? "# The fit chooses base, flow and training by itself: "
                                      "summary.json says what it chose.\n\n"
                                    : "";
  return std::string(told) +
         to_toml(spec, [&](std::string_view section, std::string_view key, const auto& value) {
           return matters(spec, section, key) &&
                  !(section == "target" && (value == "\"\"" || value == "[]"));
         });
}

void set_key(Spec& spec, std::string_view key, std::string_view value) {
  const auto dot = key.find('.');
  const std::string section(key.substr(0, dot));
  const std::string name(dot == std::string_view::npos ? main_key(section) : key.substr(dot + 1));
  const auto names = section_names();
  if (dot == std::string_view::npos &&
      (name.empty() || std::ranges::find(names, section) == names.end())) {
    throw usage(fmt::format("\"{}\" is not a key; write SECTION.KEY=VALUE", key));
  }
  if (std::find(names.begin(), names.end(), section) == names.end()) {
    throw usage(unknown_name_message("section", section, names));
  }
  // A bare word is a string; everything else is read as TOML.
  toml::table table;
  try {
    table = toml::parse(fmt::format("x = {}", value));
    if (table.size() != 1)
      throw usage(fmt::format("{} takes one value, not {}", key, toml_string(value)));
  } catch (const toml::parse_error&) {
    table = toml::table{{"x", std::string(value)}};
  }
  toml::table keys;
  keys.insert(name, *table.get("x"));
  read_section(spec, section, keys);
}

void Spec::validate() const {
  if (run.method == Method::figure3) check_figure3(*this);
  const auto& entry = find_by_name(target_registry(), target.name, "target");
  if (target.dim && !is_formula(*this)) {
    check(*target.dim >= 1 && *target.dim <= 1'000'000, "target.dim", *target.dim,
          "from 1 to 1000000");
    if (entry.needs_data()) {
      throw usage(fmt::format("target.dim is {}, but the dimension of {} is that of its data",
                              *target.dim, entry.name));
    }
    if (!entry.any_dim && *target.dim != entry.default_dim) {
      throw usage(fmt::format("target.dim is {}, but {} has dimension {}", *target.dim, entry.name,
                              entry.default_dim));
    }
    if (!entry.dims.allows(*target.dim)) {
      throw usage(fmt::format(
          "target.dim is {}, but the dimension of {} is {} or more{}", *target.dim, entry.name,
          entry.dims.least,
          entry.dims.step == 1 ? "" : fmt::format(", and a multiple of {}", entry.dims.step)));
    }
  }
  for (const auto& [name, value] : target.numbers) {
    const auto option = std::find_if(entry.options.begin(), entry.options.end(),
                                     [&name = name](const auto& o) { return o.name == name; });
    if (option == entry.options.end()) {
      throw usage(fmt::format("target {} has no option \"{}\"", entry.name, name));
    }
    check(std::isfinite(value), "target." + name, value, "a finite number");
    check(!option->flag || value == 0 || value == 1, "target." + name, value, "0 or 1");
  }
  if (target.samples.empty() && !is_external(*this) && !is_formula(*this) &&
      entry.needs_data() == target.data.empty()) {
    throw usage(entry.needs_data()
                    ? fmt::format("target {} needs target.data, the file of its data", entry.name)
                    : fmt::format("target.data is {}, but target {} takes no data", target.data,
                                  entry.name));
  }
  check_external(*this);
  check_formula(*this);
  if (!target.columns.empty() && target.samples.empty()) {
    throw usage("target.columns chooses columns of target.samples, and there is no such file");
  }
  const auto not_negative = [](double x) { return std::isfinite(x) && x >= 0; };
  check(not_negative(target.log_floor), "target.log_floor", target.log_floor, "0 or more");
  const bool automatic = flow.layers == "auto";
  if (automatic && target.samples.empty() && run.method != Method::staged) {
    throw usage(
        "flow.layers is auto, which goes with target.samples alone: name a flow, see `riffle list "
        "flows`");
  }
  const auto layers = parse_flow(automatic ? "affine" : flow.layers);
  check(not_negative(flow.log_det_floor), "flow.log_det_floor", flow.log_det_floor, "0 or more");
  if (flow.log_det_floor > 0 && !takes_log_det_floor(layers)) {
    throw usage(fmt::format("flow.log_det_floor is {}, but not every layer of {} has one",
                            flow.log_det_floor, flow.layers));
  }
  const auto chosen = choose_objective(objective.name);
  const auto& kind = chosen.entry;
  if (kind.of_samples != !target.samples.empty()) {
    throw usage(kind.of_samples
                    ? fmt::format("objective {} needs target.samples, a file of points", kind.name)
                    : fmt::format("target.samples is {}, and points are fitted by the objective "
                                  "maximum-likelihood, not {}",
                                  target.samples, kind.name));
  }
  if (kind.of_samples) {
    if (!target.data.empty()) {
      throw usage(
          fmt::format("target.data is {}, but the data of a fit to samples are those of "
                      "target.samples, {}",
                      target.data, target.samples));
    }
    check(target.log_floor == 0, "target.log_floor", target.log_floor, "0 with target.samples");
    check(flow.log_det_floor == 0, "flow.log_det_floor", flow.log_det_floor,
          "0 with target.samples");
  }
  const auto group = kind.terms(chosen.arguments)(0).group;
  check(run.batch % group == 0, "run.batch", run.batch,
        fmt::format("a multiple of importance_samples, {}", group));
  choose(optimizer_registry(), optimizer.name, "optimizer");
  check(std::isfinite(optimizer.learning_rate) && optimizer.learning_rate > 0,
        "optimizer.learning_rate", optimizer.learning_rate, "positive and finite");
  check(optimizer.clip_norm > 0, "optimizer.clip_norm", optimizer.clip_norm, "positive");
  choose(schedule_registry(), schedule.name, "schedule");
  constexpr std::uint64_t most_draws = 100'000'000;
  check(run.iterations <= 1'000'000'000'000, "run.iterations", run.iterations, "at most 1e12");
  check(run.batch >= 1 && run.batch <= most_draws, "run.batch", run.batch, "from 1 to 100000000");
  // Of a larger number TOML knows nothing, so it could not be written down.
  constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
  check(run.seed <= largest, "run.seed", run.seed, "at most 9223372036854775807");
  check(run.log_every <= largest, "run.log_every", run.log_every, "at most 9223372036854775807");
  check(run.snapshot_every <= largest, "run.snapshot_every", run.snapshot_every,
        "at most 9223372036854775807");
  check(run.threads <= 1024, "run.threads", run.threads, "at most 1024 (0: one for each core)");
  if (run.method == Method::staged) {
    check(run.precision == Precision::float64, "run.precision", name_of(run.precision),
          "double with staged");
    check(target.samples.empty(), "target.samples", target.samples, "empty with staged");
  }
  if (!target.init.empty()) {
    check(run.method == Method::staged, "target.init", target.init,
          "empty where run.method is not staged");
  }
  const double radius = init_radius(target.init);
  check(std::isnan(radius) || (radius >= 0 && std::isfinite(radius)), "target.init", target.init,
        "0 or more, or a file");
  check(run.max_seconds > 0, "run.max_seconds", run.max_seconds, "positive");
  check(run.max_gradients >= 1 && run.max_gradients <= largest, "run.max_gradients",
        run.max_gradients, "from 1 to 9223372036854775807");
  check(run.fits >= 1 && run.fits <= 100, "run.fits", run.fits, "from 1 to 100");
  const auto set = InstructionSet::parse(run.simd);
  // Whether names and arguments fit can only be told by making them, once the dimension is known.
  const std::size_t dim = static_cast<std::size_t>(target.dim.value_or(entry.default_dim));
  if (!kind.of_samples && !is_external(*this) && !is_formula(*this) && !entry.needs_data()) {
    make_model<double>(base.name, layers, {dim, 0, set});
  }
  check(run.evaluation_draws >= 1000 && run.evaluation_draws <= most_draws, "run.evaluation_draws",
        run.evaluation_draws, "from 1000 to 100000000");
  check(run.draws <= most_draws, "run.draws", run.draws, "at most 100000000");
  check(not_negative(run.checkpoint_seconds), "run.checkpoint_seconds", run.checkpoint_seconds,
        "0 or more");
}

std::vector<Recipe> recipes() {
  return {std::begin(built_in_recipes), std::end(built_in_recipes)};
}

Spec posterior_spec() {
  Spec spec;
  spec.base.name = "full-normal";
  spec.flow.layers = "planar:8";
  spec.objective.name = "path-gradient";
  spec.optimizer.name = "adam";
  spec.run.method = Method::staged;
  spec.run.iterations = 5'000;
  spec.run.evaluation_draws = 20'000;
  return spec;
}

Spec samples_spec() {
  Spec spec;
  spec.flow.layers = "auto";
  spec.objective.name = "maximum-likelihood";
  spec.optimizer.name = "adam";
  spec.optimizer.learning_rate = 0.002;
  spec.run.iterations = 10'000;
  return spec;
}

Spec find_spec(const std::string& what, Fitted fitted) {
  const std::filesystem::path path(what);
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  // A pipe or a device, such as /dev/stdin, holds a spec as well as a regular file does.
  if (std::filesystem::exists(status) && !std::filesystem::is_directory(status)) {
    return parse_spec(read_file(path), what, fitted);
  }
  for (const auto& recipe : built_in_recipes) {
    if (recipe.name == what) return parse_spec(recipe.toml, recipe.name);
  }
  std::vector<std::string_view> names;
  for (const auto& entry : target_registry()) {
    if (entry.name == what) {
      Spec spec = entry.posterior ? posterior_spec() : Spec();
      spec.target.name = what;
      return spec;
    }
    names.push_back(entry.name);
  }
  if (std::filesystem::is_directory(status)) {
    throw Error(ErrorKind::usage,
                fmt::format("{} is a folder; to go on with the run in it add --resume, to repeat "
                            "it name {}",
                            what, (path / "spec.toml").string()));
  }
  if (path.extension() == ".toml" || what.find('/') != std::string::npos) {
    throw Error(ErrorKind::no_input, fmt::format("there is no spec file {}", what));
  }
  for (const auto& recipe : built_in_recipes) names.push_back(recipe.name);
  throw usage(unknown_name_message("spec file, recipe or target", what, names));
}

}  // namespace riffle
