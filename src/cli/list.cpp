#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bases/base.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/wrapped.h"
#include "core/names.h"
#include "flows/interface/flow_registry.h"
#include "inference/objective.h"
#include "inference/optimizer.h"
#include "inference/schedule.h"
#include "riffle/spec.h"
#include "run/report_fields.h"
#include "targets/formula/formula.h"
#include "targets/target_registry.h"

namespace riffle {
namespace {

void line(std::string_view name, std::string_view text, std::size_t width = 16) {
  print_wrapped(fmt::format("  {:<{}} ", name, width), text);
}

std::string dims_of(const TargetEntry& t) {
  if (t.needs_data()) return "D as the data have it";
  if (!t.any_dim) return fmt::format("D = {}", t.default_dim);
  return fmt::format("D = {}, or as target.dim says{}", t.default_dim,
                     t.dims.step == 1 ? "" : fmt::format(", a multiple of {}", t.dims.step));
}

/// Of the column of names.
template <class Registry>
std::size_t width_of(const Registry& registry) {
  std::size_t width = 16;
  for (const auto& entry : registry) width = std::max(width, entry.name.size());
  return width;
}

void list_targets() {
  const std::size_t width = width_of(target_registry());
  for (const auto& t : target_registry()) {
    line(t.name, fmt::format("{} [{}]", t.summary, dims_of(t)), width);
    if (t.needs_data()) line("", "target.data = FILE: table of numbers", width);
    for (const auto& o : t.options) {
      const auto value = o.flag ? fmt::format("{}", o.value != 0) : fmt::format("{:.6g}", o.value);
      line("", fmt::format("target.{} = {}: {}", o.name, value, o.meaning), width);
    }
  }
}

void list_options(std::span<const Option> options, std::size_t width) {
  for (const auto& o : options) {
    line("", fmt::format("({}={}): {}; {}", o.name, o.value, o.meaning, o.values.text()), width);
  }
}

void list_flows() {
  for (const auto& f : flow_registry()) {
    line(f.name, f.summary);
    line("", fmt::format("costs {} a draw; inverse: {}", f.cost, f.inversion));
    list_options(f.options, 16);
  }
}

/// What is chosen by NAME or NAME(KEY=VALUE, ...).
template <class Registry>
void list_named(const Registry& registry) {
  const std::size_t width = width_of(registry);
  for (const auto& entry : registry) {
    line(entry.name, entry.summary, width);
    list_options(entry.options, width);
  }
}

void list_recipes() {
  for (const auto& r : recipes()) line(r.name, r.summary);
}

struct Section {
  std::string_view name;
  void (*print)();
};

void list_functions() {
  constexpr std::size_t width = 36;
  for (const auto& word : formula_words()) {
    line(word.arguments.empty() ? std::string(word.name)
                                : fmt::format("{}({})", word.name, word.arguments),
         word.meaning, width);
  }
}

constexpr std::array<Section, 9> sections{{
    {"targets", &list_targets},
    {"flows", &list_flows},
    {"bases", [] { list_named(base_registry()); }},
    {"objectives", [] { list_named(objective_registry()); }},
    {"optimizers", [] { list_named(optimizer_registry()); }},
    {"schedules", [] { list_named(schedule_registry()); }},
    {"recipes", &list_recipes},
    {"functions", &list_functions},
    {"summary", [] { say("{}", report_fields_table()); }},
}};

}  // namespace

void add_list(CommandLine& line) {
  auto what = std::make_shared<std::string>();
  auto& list = line.add("list", "name what there is to choose from");
  list.option("WHAT", *what, "a kind of thing, or the keys of summary.json [all]");
  list.footer(
      "WHAT is one of targets, flows, bases, objectives, optimizers, schedules, recipes, "
      "functions\n"
      "and summary.");
  list.does([what] {
    if (!what->empty()) {
      find_by_name(std::span<const Section>(sections), *what, "list").print();
      return 0;
    }
    for (const auto& section : sections) {
      say("{}:\n", section.name);
      section.print();
    }
    return 0;
  });
}

}  // namespace riffle
