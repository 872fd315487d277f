// Compiles one file of maths for every instruction set, and for the scalar reference.
//
// A translation unit defines three macros and includes this header once:
//   RIFFLE_MATHS    the .inc file, which holds a class template over the lane policy
//   RIFFLE_CLASS    the name of that class template
//   RIFFLE_KERNELS  the room's struct template of function pointers, with a static of<Maths>()
// and may define RIFFLE_MATHS_PRELUDE, a .inc with helpers of the room, included before the maths;
// it gets `kernels_for<T>(InstructionSet)` for T = float, double and Dual (always scalar).
// There is no include guard: the header is for .cpp files.

#include <type_traits>

#include "core/instruction_set.h"
#include "lanes/scalar.h"

#include <hwy/detect_targets.h>
#if HWY_TARGETS != HWY_STATIC_TARGET
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lanes/per_target.inc"
#include <hwy/foreach_target.h>
#endif
// The pass for the static target.
#include "lanes/per_target.inc"

namespace riffle {
namespace portable {
#define RIFFLE_INLINE inline
#ifdef RIFFLE_MATHS_PRELUDE
#include RIFFLE_MATHS_PRELUDE
#endif
#include RIFFLE_MATHS
#undef RIFFLE_INLINE
}  // namespace portable

namespace {
#if HWY_TARGETS == HWY_STATIC_TARGET
#define RIFFLE_CHOSEN(kernels) HWY_STATIC_DISPATCH(kernels)()
#else
// The tables of HWY_EXPORT, but for their first entries, which choose by themselves and need
// Highway's library.
#define RIFFLE_TABLE(kernels)                                    \
  constexpr decltype(&HWY_STATIC_DISPATCH(                       \
      kernels)) kernels##_table[HWY_MAX_DYNAMIC_TARGETS + 2] = { \
      nullptr, HWY_CHOOSE_TARGET_LIST(kernels), HWY_CHOOSE_FALLBACK(kernels)}
RIFFLE_TABLE(float_kernels);
RIFFLE_TABLE(double_kernels);
#define RIFFLE_CHOSEN(kernels) kernels##_table[chosen.GetIndex()]()
#endif

template <class T>
RIFFLE_KERNELS<T> kernels_for(InstructionSet set) {
  if constexpr (!std::is_same_v<T, Dual>) {
    if (set != InstructionSet::scalar()) {
      [[maybe_unused]] hwy::ChosenTarget chosen;
      chosen.Update(set.bit);
      if constexpr (std::is_same_v<T, float>) {
        return RIFFLE_CHOSEN(float_kernels);
      } else {
        return RIFFLE_CHOSEN(double_kernels);
      }
    }
  }
  return RIFFLE_KERNELS<T>::template of<portable::RIFFLE_CLASS<One<T>>>();
}
}  // namespace
}  // namespace riffle

#undef RIFFLE_CHOSEN
