#include "core/instruction_set.h"

#include <fmt/format.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "riffle/error.h"

namespace riffle {
namespace {

// Highway's own emulation, which the scalar reference makes needless.
constexpr long long unused_targets = HWY_EMU128 | HWY_SCALAR;

/// What this machine runs. Every aarch64 has NEON; Highway's library counts it only beside AES.
long long supported_targets() {
#if HWY_ARCH_ARM_A64
  return hwy::SupportedTargets() | HWY_STATIC_TARGET;
#else
  return hwy::SupportedTargets();
#endif
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

}  // namespace

std::vector<InstructionSet> InstructionSet::available() {
  std::vector<InstructionSet> sets;
  const long long targets = supported_targets() & HWY_TARGETS & ~unused_targets;
  // Highway's lower bits are the wider sets.
  for (long long rest = targets; rest != 0; rest &= rest - 1) sets.push_back({rest & -rest});
  sets.push_back(scalar());
  std::reverse(sets.begin(), sets.end());
  return sets;
}

InstructionSet InstructionSet::best() {
  return available().back();
}

InstructionSet InstructionSet::parse(std::string_view name) {
  if (lower(name) == "auto") return best();
  std::string known = "auto";
  for (const auto set : available()) {
    if (lower(set.name()) == lower(name)) return set;
    known += fmt::format(", {}", set.name());
  }
  throw Error(
      ErrorKind::usage,
      fmt::format("instruction set \"{}\" is not available here; choose one of: {}", name, known));
}

std::string_view InstructionSet::name() const {
  return bit == scalar_bit ? "scalar" : hwy::TargetName(bit);
}

}  // namespace riffle
