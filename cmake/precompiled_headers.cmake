# The headers that nearly every unit parses, once for each target. Without them (presets `install`, `clang`)
# every unit must name what it uses; a cache of compilations (ccache) does better without.
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(riffle_precompiled_default ON)
else()
  set(riffle_precompiled_default OFF)
endif()
option(RIFFLE_PRECOMPILED_HEADERS "Precompile the headers of the libraries" ${riffle_precompiled_default})

# GCC forgets that these headers are the system's, whose faults it hides else.
add_library(riffle_precompiled_options INTERFACE)
if(RIFFLE_PRECOMPILED_HEADERS)
  target_compile_options(riffle_precompiled_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:
    -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized>)
endif()

# riffle_precompile(TARGET [FROM TARGET] [HEADER...]): with FROM another's are used, which is compiled alike.
function(riffle_precompile target)
  cmake_parse_arguments(PARSE_ARGV 1 given "" FROM "")
  if(NOT RIFFLE_PRECOMPILED_HEADERS)
    return()
  endif()
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:riffle_precompiled_options>)
  if(given_FROM AND NOT given_FROM STREQUAL target)
    target_precompile_headers(${target} REUSE_FROM ${given_FROM})
  else()
    target_precompile_headers(${target} PRIVATE
      <algorithm> <array> <atomic> <chrono> <cmath> <cstdint> <cstdio> <filesystem> <functional> <limits>
      <map> <memory> <numbers> <numeric> <optional> <set> <span> <string> <string_view> <type_traits>
      <utility> <vector> <fmt/format.h> ${given_UNPARSED_ARGUMENTS})
  endif()
endfunction()

# Tests are compiled alike, so one precompilation serves them all.
function(riffle_precompile_tests target)
  if(RIFFLE_PRECOMPILED_HEADERS)
    if(NOT TARGET riffle_precompiled_tests)
      file(CONFIGURE OUTPUT precompiled_tests.cpp CONTENT "")
      add_library(riffle_precompiled_tests OBJECT ${CMAKE_CURRENT_BINARY_DIR}/precompiled_tests.cpp)
      foreach(property IN ITEMS COMPILE_DEFINITIONS LINK_LIBRARIES COMPILE_OPTIONS)
        set_property(TARGET riffle_precompiled_tests PROPERTY ${property}
          $<TARGET_PROPERTY:${target},${property}>)
      endforeach()
      riffle_precompile(riffle_precompiled_tests <gtest/gtest.h>)
    endif()
    riffle_precompile(${target} FROM riffle_precompiled_tests)
  endif()
endfunction()
