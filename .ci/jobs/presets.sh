#!/bin/sh
# presets.sh [PRESET...]: these build without a warning and pass the tests, by default clang.
set -eu
cd "$(dirname "$0")/../.."
[ "$#" -gt 0 ] || set -- clang
./test.sh "$@"
