#include "fit/target_options.h"

#include <fmt/format.h>

#include <utility>

#include "core/names.h"
#include "fit/check_model.h"
#include "io/table.h"
#include "riffle/error.h"

namespace riffle {

TargetOptions target_options(const TargetEntry& entry, const Spec& spec, InstructionSet set) {
  auto options = default_options(entry, set);
  if (spec.target.dim) options.dim = static_cast<std::size_t>(*spec.target.dim);
  for (const auto& [name, value] : spec.target.numbers) {
    options.numbers.insert_or_assign(name, value);
  }
  if (entry.needs_data()) {
    auto table = read_table(spec.target.data);
    if (table.rows() == 0) {
      throw Error(ErrorKind::data, fmt::format("{} holds no rows of numbers", spec.target.data));
    }
    options.data = {table.header.size(), std::move(table.values)};
    options.dim = entry.dim_of_data(options);
  }
  return options;
}

bool has_formula(const Spec& spec) {
  return !spec.target.density.empty() || !spec.target.log_density.empty();
}

Formula formula_of(const Spec& spec) {
  const auto& t = spec.target;
  const bool is_log = t.density.empty();
  return parse_formula(is_log ? t.log_density : t.density,
                       is_log ? FormulaKind::log_density : FormulaKind::density,
                       parse_coordinates(t.coordinates, "target.coordinates"),
                       is_log ? "target.log_density" : "target.density");
}

std::vector<std::string> coordinate_names(const Spec& spec, std::size_t dim) {
  if (has_formula(spec)) return formula_of(spec).coordinates;
  std::vector<std::string> names;
  for (std::size_t d = 1; d <= dim; ++d) names.push_back(fmt::format("z.{}", d));
  return names;
}

void check_target(const Spec& spec) {
  if (!spec.target.samples.empty()) return;
  if (has_formula(spec)) {
    check_model(spec, formula_of(spec).dim());
    return;
  }
  const auto& entry = find_by_name(target_registry(), spec.target.name, "target");
  const auto target = entry.make<double>(target_options(entry, spec, InstructionSet::scalar()));
  check_model(spec, target->dim());
}

}  // namespace riffle
