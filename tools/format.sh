#!/bin/sh
# format.sh [--check] [FILE...]: formats the files, by default all of C, C++ and maths (.inc) that git knows, as
# .clang-format says; with --check it changes none, and fails where one is not so.
set -eu
cd "$(dirname "$0")/.."

# Versions differ in what they make of the same settings; this is Debian 12's.
format=clang-format-14
command -v "$format" >/dev/null || format=clang-format

edit="-i"
if [ "${1:-}" = "--check" ]; then
  shift
  edit="--dry-run --Werror"
fi
# Tables of golden values are written by programs.
[ "$#" -gt 0 ] || set -- $(git ls-files '*.c' '*.cpp' '*.h' '*.inc' | grep -v '/golden_')
# shellcheck disable=SC2086  # the options are words
"$format" --style=file $edit "$@"
