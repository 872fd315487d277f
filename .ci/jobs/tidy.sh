#!/bin/sh
# tidy.sh [COMMIT]: clang-tidy finds nothing in the sources that changed since a commit, by default main.
set -eu
cd "$(dirname "$0")/../.."
. tools/packages.sh
tools/install_packages.sh $build_packages $test_packages $tidy_packages
files=$(git diff --name-only --diff-filter=d "${1:-main}" -- 'src/*.cpp' 'tests/*.cpp' | grep -v '^tests/fuzz/' || true)
[ -n "$files" ] || { echo "no source has changed"; exit 0; }
# A precompiled header of GCC's is none for clang-tidy.
cmake -S . -B build/tidy -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DRIFFLE_PRECOMPILED_HEADERS=OFF \
  -DRIFFLE_INSTRUCTION_SETS=native >/dev/null
status=0
for file in $files; do
  echo "$file"
  clang-tidy --quiet -p build/tidy "$file" || status=1
done
exit "$status"
