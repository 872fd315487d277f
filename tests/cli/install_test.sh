#!/usr/bin/env bash
# The installed tree serves find_package(riffle), and the examples build and run against it.
. "$(dirname "$0")/lib.sh"

[ -z "${SANITIZE:-}" ] || skip "a sanitized library cannot be linked without the sanitizer's flags"

"$CMAKE" --install "$BUILD" --prefix "$scratch/prefix" >"$log/out" 2>&1 ||
  fail "installing failed: $(cat "$log/out")"
[ -x "$scratch/prefix/bin/riffle" ] || fail "no program is installed"
[ "$("$scratch/prefix/bin/riffle" --version)" = "$("$riffle" --version)" ] ||
  fail "the installed program does not run"
for header in "$SOURCE"/include/riffle/*.h; do
  same_file "$header" "$scratch/prefix/include/riffle/$(basename "$header")"
  echo "#include \"riffle/$(basename "$header")\"" |
    "$CXX" -std=c++20 -fsyntax-only -I"$scratch/prefix/include" -x c++ - >"$log/out" 2>&1 ||
    fail "$(basename "$header") does not compile by itself: $(cat "$log/out")"
done

"$CMAKE" -G "$GENERATOR" -S "$SOURCE/examples" -B "$scratch/examples" \
  -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_BUILD_TYPE=Release >"$log/out" 2>&1 &&
  "$CMAKE" --build "$scratch/examples" >"$log/out" 2>&1 ||
  fail "the examples do not build: $(tail -20 "$log/out")"

# The installed program compiles Stan programs by the script that was installed with it.
share=$scratch/prefix/share/riffle
same_file "$share/stan_model.sh" "$SOURCE/tools/stan_model.sh"
same_file "$share/stan_glue.cpp" "$SOURCE/tools/stan_glue.cpp"
printf 'echo "here: $0" >&2\nexit 65\n' >"$share/stan_model.sh"
echo 'model { }' >model.stan
"$scratch/prefix/bin/riffle" fit --stan model.stan >"$log/out" 2>&1
[ $? -eq 65 ] || fail "a Stan program: $(cat "$log/out")"
says "here: $(realpath "$share")/stan_model.sh" "the installed program"

# A shared library of a user's can hold it.
mkdir "$scratch/shared"
cat >"$scratch/shared/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
project(shared LANGUAGES CXX)
find_package(riffle REQUIRED)
add_library(shared SHARED shared.cpp)
target_link_libraries(shared PRIVATE riffle::riffle)
CMAKE
cat >"$scratch/shared/shared.cpp" <<'SOURCE'
#include "riffle/riffle.h"
extern "C" double bound() { return riffle::fit(riffle::find_spec("U1")).elbo; }
SOURCE
"$CMAKE" -G "$GENERATOR" -S "$scratch/shared" -B "$scratch/shared/build" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  -DCMAKE_CXX_COMPILER="$CXX" >"$log/out" 2>&1 &&
  "$CMAKE" --build "$scratch/shared/build" >"$log/out" 2>&1 ||
  fail "no shared library can hold it: $(tail -20 "$log/out")"

# A program in C alone finds the C library without what the C++ one needs.
mkdir "$scratch/plain_c"
cat >"$scratch/plain_c/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
project(plain_c LANGUAGES C)
find_package(riffle REQUIRED COMPONENTS c)
if(TARGET hwy::hwy OR TARGET fmt::fmt)
  message(FATAL_ERROR "looked for what it does not need")
endif()
add_executable(plain_c version.c)
target_link_libraries(plain_c PRIVATE riffle::c)
CMAKE
cat >"$scratch/plain_c/version.c" <<'SOURCE'
#include <stdio.h>
#include "riffle/c.h"
int main(void) { return puts(riffle_version()) < 0; }
SOURCE
"$CMAKE" -G "$GENERATOR" -S "$scratch/plain_c" -B "$scratch/plain_c/build" -DCMAKE_PREFIX_PATH="$scratch/prefix" \
  >"$log/out" 2>&1 && "$CMAKE" --build "$scratch/plain_c/build" >"$log/out" 2>&1 ||
  fail "a project in C alone: $(tail -20 "$log/out")"
[ "riffle $("$scratch/plain_c/build/plain_c")" = "$("$riffle" --version)" ] || fail "the C library is of another version"

# But for what the compiler made of headers there, which is weak.
shown=$(nm -DC --defined-only "$scratch/shared/build/libshared.so" | grep ' [A-V] riffle::' | head -3)
[ -z "$shown" ] || fail "a library that holds it shows its symbols: $shown"

# example NAME TEXT ARGUMENT...: it runs and says TEXT.
example() {
  local name=$1 text=$2
  shift 2
  "$scratch/examples/$name" "$@" >"$log/out" 2>&1 || fail "$name failed: $(cat "$log/out")"
  says "$text" "$name"
}
# By pkg-config, from a tree that was moved.
mv "$scratch/prefix" "$scratch/moved"
if command -v pkg-config >/dev/null; then
  export PKG_CONFIG_PATH
  PKG_CONFIG_PATH=$(dirname "$(find "$scratch/moved" -name riffle-c.pc)")
  # shellcheck disable=SC2046  # words are what pkg-config gives
  ${CC:-cc} -std=c99 "$SOURCE/examples/c/fit_c.c" -o fit_c $(pkg-config --cflags --libs riffle-c) -lm >"$log/out" 2>&1 &&
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir riffle-c) ./fit_c >"$log/out" 2>&1 ||
    fail "riffle-c.pc: $(cat "$log/out")"
  says '"verdict": "reliable' "a program in C"
  # shellcheck disable=SC2046
  "$CXX" -std=c++20 "$SOURCE/examples/bayes_factor.cpp" -o by_pc $(pkg-config --cflags --libs riffle) >"$log/out" 2>&1 ||
    fail "riffle.pc: $(tail -5 "$log/out")"
  [ "$(pkg-config --modversion riffle)" = "$(pkg-config --modversion riffle-c)" ] || fail "versions of riffle.pc and riffle-c.pc"
fi
mv "$scratch/moved" "$scratch/prefix"

example c/fit_c '"verdict": "reliable'
example c/samples_c 'least likely row is 123'
example fit_builtin 'saved u1.riffle'
example constrained_target 'sigma'
example own_target 'first draw'
example bayes_factor 'ln of the Bayes factor: 1.'
example posterior 'verdict reliable'
example sample_flow 'ln q at the origin'
"$scratch/examples/sample_flow" missing.riffle >"$log/out" 2>&1
[ $? -eq 66 ] || fail "sample_flow does not hand on the exit code"

finish
