#!/bin/sh
# build.sh PRESET [TARGET...]: configures a preset once and builds it; prints little unless it fails.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift

mkdir -p "build/$preset"
log="build/$preset/build.log"
echo "Building ($preset) ..."
start=$(date +%s)
[ "$#" -eq 0 ] || set -- --target "$@"
if ! { { [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset"; } &&
       cmake --build --preset "$preset" "$@"; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "The build failed; its output is above and in $log." >&2
  exit 70
fi
echo "Built in $(($(date +%s) - start)) s."
