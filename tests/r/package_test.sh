#!/usr/bin/env bash
# The package for R is built from its source against the installed C library, and its own tests pass.
. "$(dirname "$0")/../cli/lib.sh"

[ -z "${SANITIZE:-}" ] || skip "R cannot load a sanitized library"
command -v R >/dev/null || skip "R is not installed"
for package in jsonlite testthat withr; do
  Rscript -e "find.package('$package')" >/dev/null 2>&1 || skip "R's package $package is not installed"
done
command -v pkg-config >/dev/null || skip "pkg-config is not installed"

"$CMAKE" --install "$BUILD" --prefix "$scratch/prefix" >"$log/out" 2>&1 ||
  fail "installing failed: $(cat "$log/out")"
cp -r "$SOURCE/r" package
mkdir library
if RIFFLE_PREFIX=$scratch/prefix R CMD INSTALL --library=library package >"$log/out" 2>&1; then
  grep -i 'warning' "$log/out" && fail "the package does not compile without a warning"
  export R_LIBS=$PWD/library RIFFLE_TEST_STAN=
  Rscript -e 'find.package("rstan")' >/dev/null 2>&1 && RIFFLE_TEST_STAN=1
  (cd package/tests && Rscript testthat.R) >"$log/out" 2>&1 || fail "its tests: $(cat "$log/out")"
  tail -n 2 "$log/out"
else
  fail "it does not install: $(tail -30 "$log/out")"
fi

# Without the library it says how to get it.
rm -rf package/src/Makevars
PKG_CONFIG_LIBDIR=/nowhere R CMD INSTALL --library=library package >"$log/out" 2>&1 && fail "installed without the library"
says "RIFFLE_PREFIX=PREFIX R CMD INSTALL r" "an installation without the library"

finish
