# The flags that all of Riffle's own targets share.
add_library(riffle_compile_options INTERFACE)
target_compile_features(riffle_compile_options INTERFACE cxx_std_20)
target_compile_options(riffle_compile_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wpedantic
  -ffp-contract=off     # fused operations are written, never chosen by the compiler
  -fno-math-errno
  # Loops worth vectorising are written with lanes; at -O3 the short ones over dimensions are
  # vectorised too, and slowed down.
  $<$<CONFIG:Release>:-O2>
  $<$<BOOL:${RIFFLE_WARNINGS_AS_ERRORS}>:-Werror>)
# Reports need lines alone; GCC takes twice as long for what a debugger needs besides.
if(RIFFLE_SANITIZE)
  target_compile_options(riffle_compile_options INTERFACE
    -fsanitize=${RIFFLE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_link_options(riffle_compile_options INTERFACE -fsanitize=${RIFFLE_SANITIZE})
endif()
