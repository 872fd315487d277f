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

/// What this machine, and its system, runs. Asked of the compiler's own library, so that Highway's
/// is not needed; the features are those that Highway compiles each set for.
long long supported_targets() {
#if HWY_ARCH_X86
  long long sets = 0;
  const bool sse4 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul") &&
                    __builtin_cpu_supports("aes");
  if (sse4) sets |= HWY_SSE4;
  const bool avx2 = sse4 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  if (avx2) sets |= HWY_AVX2;
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd")) {
    sets |= HWY_AVX3;
  }
  return sets;
#else
  return HWY_STATIC_TARGET;  // compiled for one set, which every processor of the kind has
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
