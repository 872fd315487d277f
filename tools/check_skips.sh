#!/bin/sh
# check_skips.sh PRESET: fails where the last run of the tests skipped one that is not expected to be.
set -eu
cd "$(dirname "$0")/.."

unexpected=$(sed -n 's/.*<testcase name="\([^"]*\)".*status="notrun".*/\1/p' "build/$1/tests.xml" |
  grep -v -E -x "$(grep -v -e '^#' -e '^$' tests/expected_skips.txt)" || true)
if [ -n "$unexpected" ]; then
  echo "Skipped, though tests/expected_skips.txt does not say so:" >&2
  echo "$unexpected" >&2
  exit 70
fi
