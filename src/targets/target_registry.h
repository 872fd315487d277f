#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/instruction_set.h"
#include "targets/density.h"

namespace riffle {

/// A number that a target can be given, with its default.
struct NumberOption {
  std::string_view name;
  double value;
  std::string_view meaning;
};

/// What a target is made from, besides its name: every option has a value.
struct TargetOptions {
  std::size_t dim = 0;
  std::map<std::string, double, std::less<>> numbers;
  InstructionSet set;

  double number(std::string_view name) const { return numbers.find(name)->second; }
};

/// One line of the registry.
struct TargetEntry {
  std::string_view name;
  std::string_view summary;
  std::size_t default_dim;
  bool any_dim;   ///< whether the dimension can be chosen
  bool improper;  ///< whether its integral is known to be infinite
  std::span<const NumberOption> options;
  /// ln ∫p, where it is known.
  std::optional<double> (*log_z)(const TargetOptions&);
  std::unique_ptr<Density<float>> (*make_float)(const TargetOptions&);
  std::unique_ptr<Density<double>> (*make_double)(const TargetOptions&);
  std::unique_ptr<Density<Dual>> (*make_dual)(const TargetOptions&);

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

/// All options of a target at their defaults.
TargetOptions default_options(const TargetEntry& entry, InstructionSet set);

}  // namespace riffle
