#!/bin/sh
# run_tests.sh PRESET [CTEST-ARGUMENT...]: runs the tests of a build and shows how far it is. What ctest says is
# in build/PRESET/tests.log; shown are what failing tests say, in full, and ctest's own closing lines. The exit
# status is ctest's.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
log="build/$preset/tests.log"

echo "Testing ($preset); log in $log ..."
status=0
tools/with_progress.sh "$log" tests ctest --preset "$preset" --parallel 2 \
  --output-junit "$PWD/build/$preset/tests.xml" "$@" || status=$?

if [ "$status" -ne 0 ]; then
  # A test's output follows the line of its result, up to the next line of ctest's own.
  awk '
    /^[0-9]+% tests passed/ { exit }
    /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / { show = /\*\*\*/ && !/\*\*\*Skipped/ }
    /^ +Start +[0-9]+: / { show = 0 }
    show' "$log"
fi
# From here on, ctest itself.
if grep -q '^[0-9]*% tests passed' "$log"; then
  sed -n '/^[0-9]*% tests passed/,$p' "$log"
else
  tail -n 20 "$log" >&2
  [ "$status" -ne 0 ] || status=70
  echo "The tests were not run to the end; the last lines of $log are above." >&2
fi
exit "$status"
