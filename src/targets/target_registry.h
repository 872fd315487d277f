#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/instruction_set.h"
#include "targets/density.h"

namespace riffle {

/// A number that a target can be given, with its default.
struct NumberOption {
  std::string_view name;
  double value;
  std::string_view meaning;
  bool flag = false;  ///< 0 or 1 and nothing else; a spec may say false or true
};

/// A table of numbers, such as the data of a regression.
struct NumberTable {
  std::size_t columns = 0;
  std::vector<double> values;  ///< row-major [rows][columns]

  std::size_t rows() const { return columns == 0 ? 0 : values.size() / columns; }
};

/// What a target is made from, besides its name: every option has a value.
struct TargetOptions {
  std::size_t dim = 0;
  std::map<std::string, double, std::less<>> numbers;
  InstructionSet set;
  NumberTable data;  ///< of a target that needs data

  double number(std::string_view name) const { return numbers.find(name)->second; }
  bool flag(std::string_view name) const { return number(name) != 0; }
  /// A number that has to be positive; throws Error{usage} where it is not.
  double positive(std::string_view name) const;
};

/// The values that a target's z stand for, as riffle::Target says of them; all null where they are
/// z.1, ..., z.D themselves.
struct ParameterFunctions {
  std::vector<std::string> (*names)(const TargetOptions&) = nullptr;
  std::size_t (*count)(const TargetOptions&) = nullptr;  ///< of the names, those of parameters
  void (*constrain)(const TargetOptions&, std::span<const double> z,
                    std::span<double> theta) = nullptr;
  void (*unconstrain)(const TargetOptions&, std::span<const double> theta,
                      std::span<double> z) = nullptr;
};

/// Which dimensions a target can have: a multiple of `step` that is no smaller than `least`.
struct DimRule {
  std::size_t least = 1;
  std::size_t step = 1;

  bool allows(std::size_t dim) const { return dim >= least && dim % step == 0; }
};

/// One line of the registry.
struct TargetEntry {
  std::string_view name;
  std::string_view summary;
  std::size_t default_dim;  ///< 0 where the data decide
  bool any_dim;             ///< whether the dimension can be chosen
  bool improper;            ///< whether its integral is known to be infinite
  std::span<const NumberOption> options;
  /// ln ∫p, where it is known.
  std::optional<double> (*log_z)(const TargetOptions&);
  std::unique_ptr<Density<float>> (*make_float)(const TargetOptions&);
  std::unique_ptr<Density<double>> (*make_double)(const TargetOptions&);
  std::unique_ptr<Density<Dual>> (*make_dual)(const TargetOptions&);
  /// Whether it is one whose draws and evidence are of interest, rather than a shape in the plane.
  bool posterior = false;
  DimRule dims = {};  ///< where any_dim
  double reach = 7;   ///< in the plane: the square [-reach, reach]² holds what is to be seen of it
  /// The dimension that the options' data give it; null where it needs none. Throws Error{data} for
  /// data that will not do.
  std::size_t (*dim_of_data)(const TargetOptions&) = nullptr;
  ParameterFunctions parameters = {};

  bool needs_data() const { return dim_of_data != nullptr; }

  template <class T>
  std::unique_ptr<Density<T>> make(const TargetOptions& chosen) const {
    if constexpr (std::is_same_v<T, float>) {
      return make_float(chosen);
    } else if constexpr (std::is_same_v<T, double>) {
      return make_double(chosen);
    } else {
      return make_dual(chosen);
    }
  }
};

std::span<const TargetEntry> target_registry();

/// ln ∫p of a target that is normalised: 0.
std::optional<double> log_z_of_normalised(const TargetOptions&);

/// All options of a target at their defaults; its data, where it needs any, are left empty.
TargetOptions default_options(const TargetEntry& entry, InstructionSet set);

}  // namespace riffle
