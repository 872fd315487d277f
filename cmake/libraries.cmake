# What is linked with, by name: shared libraries of the system's or, in a self-contained library, their headers alone.
if(RIFFLE_SELF_CONTAINED)
  set(riffle_fmt fmt::fmt-header-only)
  add_library(riffle_toml INTERFACE)
  target_include_directories(riffle_toml SYSTEM INTERFACE
    $<TARGET_PROPERTY:tomlplusplus::tomlplusplus,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_definitions(riffle_toml INTERFACE TOML_HEADER_ONLY=1)
  set(riffle_toml riffle_toml)
  # Of Highway's library nothing is used (src/core/instruction_set.cpp).
  add_library(riffle_hwy INTERFACE)
  target_include_directories(riffle_hwy SYSTEM INTERFACE
    $<TARGET_PROPERTY:hwy::hwy,INTERFACE_INCLUDE_DIRECTORIES>)
  set(riffle_hwy riffle_hwy)
else()
  set(riffle_fmt fmt::fmt)
  set(riffle_toml tomlplusplus::tomlplusplus)
  set(riffle_hwy hwy::hwy)
endif()
