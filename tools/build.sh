#!/bin/sh
# build.sh PRESET [TARGET...]: configures a preset once and builds it, and shows how far it is; what the build
# says is in build/PRESET/build.log, and shown where it fails.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift

mkdir -p "build/$preset"
log="build/$preset/build.log"
start=$(date +%s)
failed() {
  grep -v '^\[[0-9]*/[0-9]*\] ' "$log" >&2 || true
  echo "The build failed; its output is above and in $log." >&2
  exit 70
}

if [ ! -f "build/$preset/build.ninja" ]; then
  echo "Configuring ($preset) ..."
  cmake --preset "$preset" >"$log" 2>&1 </dev/null || failed
fi

echo "Building ($preset); log in $log ..."
[ "$#" -eq 0 ] || set -- --target "$@"
tools/with_progress.sh "$log" steps cmake --build --preset "$preset" "$@" || failed
echo "Built in $(($(date +%s) - start)) s."
