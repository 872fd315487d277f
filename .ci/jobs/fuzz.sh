#!/bin/sh
# fuzz.sh [SECONDS]: every libFuzzer harness runs so long, by default 20 s, and finds nothing.
set -eu
cd "$(dirname "$0")/../.."
. tools/packages.sh
tools/install_packages.sh $build_packages $test_packages $clang_packages
cmake --preset asan-clang -DRIFFLE_FUZZ=ON >/dev/null
harnesses=$(sed -n 's/.*fuzz_\([a-z]*\)\.cpp.*/\1/p' <<LIST
$(ls tests/fuzz/fuzz_*.cpp)
LIST
)
targets=""
for name in $harnesses; do targets="$targets fuzz_$name"; done
tools/build.sh asan-clang $targets
for name in $harnesses; do
  mkdir -p "build/fuzz/$name"
  echo "fuzz_$name"
  "build/asan-clang/tests/fuzz/fuzz_$name" -max_total_time="${1:-20}" -rss_limit_mb=4096 -artifact_prefix="build/fuzz/$name-" \
    "build/fuzz/$name" >"build/fuzz/$name.log" 2>&1 ||
    { tail -n 40 "build/fuzz/$name.log"; exit 1; }
  tail -n 1 "build/fuzz/$name.log"
done
