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

# A step of compiling takes a core some seconds: more with sanitizers.
steps=$(ninja -C "build/$preset" -n "$@" 2>/dev/null | sed -n 's/^\[[0-9]*\/\([0-9]*\)\].*/\1/p' | tail -n 1)
steps=${steps:-0}
cores=$(nproc)
minutes=$(((steps * 6 / cores + 30) / 60))
if [ "$minutes" -ge 1 ]; then
  many=s
  [ "$minutes" -gt 1 ] || many=
  [ "$cores" -gt 1 ] && with="$cores cores" || with="one core"
  echo "Building ($preset): $steps steps, roughly $minutes minute$many with $with; log in $log ..."
else
  echo "Building ($preset); log in $log ..."
fi
[ "$#" -eq 0 ] || set -- --target "$@"
tools/with_progress.sh "$log" steps cmake --build --preset "$preset" "$@" || failed
echo "Built in $(($(date +%s) - start)) s."
