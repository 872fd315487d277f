#!/bin/sh
# coverage.sh [ROOM...]: which lines of src and include the tests of these rooms reach, by default of all; the page of them
# is build/coverage/html/index.html.
set -eu
cd "$(dirname "$0")/../.."
. tools/packages.sh
tools/install_packages.sh $build_packages $test_packages $coverage_packages
targets=""
for room in "$@"; do targets="$targets riffle_tests_$room"; done
tools/build.sh coverage $targets
find build/coverage -name '*.gcda' -delete
if [ "$#" -eq 0 ]; then
  tools/run_tests.sh coverage
else
  for room in "$@"; do (cd build/coverage && "tests/riffle_tests_$room" --gtest_brief=1); done
fi
mkdir -p build/coverage/html
gcovr --root . --filter src/ --filter include/ --exclude-throw-branches -j 2 --sort-percentage \
  --html-details build/coverage/html/index.html --txt build/coverage/coverage.txt build/coverage
tail -n 3 build/coverage/coverage.txt
