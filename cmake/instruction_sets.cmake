# Which instruction sets the kernels are compiled for: `native`, the widest of the machine that builds;
# `all` that this processor's family has; or a list, such as "AVX2;SSE4". The kernels of one set are the same
# code however many others stand beside them, so its bits are the same too.
set(RIFFLE_INSTRUCTION_SETS all CACHE STRING
  "Instruction sets of the kernels: native, all, or a list such as AVX3;AVX2;SSE4")

# Of x86, from wide to narrow; a processor of another family has one set, Highway's baseline.
set(riffle_x86_sets AVX3 AVX2 SSE4)

# Sets VARIABLE to the widest of the sets that this machine runs, or to nothing.
function(riffle_native_set variable)
  if(NOT DEFINED RIFFLE_NATIVE_SET)
    set(found "")
    if(NOT CMAKE_CROSSCOMPILING)
      set(source ${PROJECT_BINARY_DIR}/native_set.cpp)
      file(WRITE ${source} [[
#include <hwy/targets.h>
#include <cstdio>
int main() {
  const long long supported = hwy::SupportedTargets();
  std::puts(supported & HWY_AVX3   ? "AVX3"
            : supported & HWY_AVX2 ? "AVX2"
            : supported & HWY_SSE4 ? "SSE4"
                                   : "");
}
]])
      try_run(ran compiled ${PROJECT_BINARY_DIR}/native_set ${source}
        LINK_LIBRARIES hwy::hwy
        RUN_OUTPUT_VARIABLE output)
      if(compiled AND ran EQUAL 0)
        string(STRIP "${output}" found)
      endif()
    endif()
    set(RIFFLE_NATIVE_SET "${found}" CACHE INTERNAL "The widest instruction set of this machine")
  endif()
  set(${variable} "${RIFFLE_NATIVE_SET}" PARENT_SCOPE)
endfunction()

set(sets ${RIFFLE_INSTRUCTION_SETS})
if(sets STREQUAL "native")
  riffle_native_set(sets)
endif()

add_library(riffle_instruction_sets INTERFACE)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|i.86")
  if(sets STREQUAL "all" OR sets STREQUAL "")
    set(sets ${riffle_x86_sets})
  endif()
  # The narrowest is what Highway calls the baseline, compiled without a flag of the compiler's.
  foreach(set IN LISTS riffle_x86_sets)
    if(set IN_LIST sets)
      set(baseline ${set})
      list(REMOVE_ITEM sets ${set})
    else()
      list(APPEND disabled HWY_${set})
    endif()
  endforeach()
  if(sets OR NOT baseline)
    message(FATAL_ERROR
      "RIFFLE_INSTRUCTION_SETS is \"${RIFFLE_INSTRUCTION_SETS}\": native, all, or a list of ${riffle_x86_sets}")
  endif()
  # What is wider than AVX3 brings nothing that the kernels use.
  list(APPEND disabled HWY_SSSE3 HWY_AVX3_DL)
  if(hwy_VERSION VERSION_GREATER_EQUAL 1.0.5)
    list(APPEND disabled HWY_AVX3_ZEN4 HWY_AVX3_SPR)
  endif()
  list(JOIN disabled "|" disabled)
  target_compile_definitions(riffle_instruction_sets INTERFACE
    HWY_BASELINE_TARGETS=HWY_${baseline} "HWY_DISABLED_TARGETS=(${disabled})")
else()
  string(REGEX MATCH "^(aarch64|arm64|ARM64)" riffle_is_aarch64 "${CMAKE_SYSTEM_PROCESSOR}")
  # Scalable vectors cannot be held in a class. Of aarch64 that leaves NEON, which every processor of it has:
  # Highway is told not to look for more at run time (so says this macro), or it asks the compiler for AES in
  # a pragma, which GCC forgets in the constructors that it makes itself.
  target_compile_definitions(riffle_instruction_sets INTERFACE
    "HWY_DISABLED_TARGETS=(HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128|HWY_RVV)"
    $<$<NOT:$<STREQUAL:${riffle_is_aarch64},>>:TOOLCHAIN_MISS_SYS_AUXV_H=1>)
  # Notes on how GCC 9 passed pairs.
  target_compile_options(riffle_instruction_sets INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-psabi>)
endif()
target_link_libraries(riffle_instruction_sets INTERFACE ${riffle_hwy})
