#pragma once

#include <string_view>
#include <vector>

namespace riffle {

/// Which compiled variant of the kernels runs. `scalar` is the portable reference; the others are
/// those Highway was built for. A value is chosen when a layer, base or target is made, and kept.
struct InstructionSet {
  static constexpr long long scalar_bit = 0;
  long long bit = scalar_bit;  ///< Highway's target bit; 0 is `scalar`

  static InstructionSet scalar() { return {}; }
  /// The widest one that this processor has.
  static InstructionSet best();
  /// All that this processor has, the scalar one first, then from narrow to wide.
  static std::vector<InstructionSet> available();
  /// By name ("auto", "scalar", "AVX2", ...), case-insensitive; throws Error{usage} for one that is
  /// unknown or that this processor lacks.
  static InstructionSet parse(std::string_view name);

  std::string_view name() const;
  friend bool operator==(InstructionSet, InstructionSet) = default;
};

}  // namespace riffle
