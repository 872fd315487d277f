#!/usr/bin/env bash
# The binary interface of the C library is the one that is written down in abi.txt: the symbols it
# exports (all of them begin with riffle_), what the header declares, and how its structs lie.
#   abi_test.sh LIBRARY LAYOUT HEADER    (LAYOUT is the program of layout.c)
set -u
export LC_ALL=C
library=$1 layout=$2 header=$3
here=$(dirname "$0")
case $(uname -s)-$(uname -m) in
  Linux-x86_64 | Linux-aarch64) ;;
  *)
    echo "SKIPPED: abi.txt is that of 64-bit Linux"
    exit 77
    ;;
esac
found=$(mktemp)
trap 'rm -f "$found"' EXIT

{
  nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print "symbol " $3 }' | sort
  # Comments and directives out, each declaration in one line.
  grep -v '^#\|^  *{ sizeof' "$header" | sed 's|/\*.*\*/||' |
    awk '/\/\*/ { out = 1 } !out { print } /\*\// { out = 0 }' | tr '\n' ' ' | tr ';' '\n' |
    sed 's/  */ /g; s/^ //; s/ $//' | sed -n 's/.*RIFFLE_C_API /declared /p; s/^\(typedef int (\*.*\)/\1/p'
  "$layout"
} >"$found"

if ! diff -u "$here/abi.txt" "$found"; then
  echo "FAILED: the interface is another than abi.txt says. Where programs that were linked before"
  echo "go on as they are (a new function, a new last member), take the lines over; where not, raise"
  echo "SOVERSION of riffle_c in src/CMakeLists.txt and the version in src/capi/riffle_c.map."
  exit 1
fi
echo "0 failures"
