#!/bin/sh
# test.sh [PRESET...]: builds and passes every test, by default of the preset `release`. Installs what is
# missing. The presets are those of CMakePresets.json: release, debug, clang, asan, tsan, ...
set -eu
cd "$(dirname "$0")"

[ "$#" -gt 0 ] || set -- release
. tools/packages.sh
packages="$build_packages $plot_packages $test_packages $stan_packages $r_packages $python_packages"
case " $* " in *clang*) packages="$packages $clang_packages" ;; esac
# shellcheck disable=SC2086
tools/install_packages.sh $packages

for preset in "$@"; do
  tools/build.sh "$preset"
  tools/run_tests.sh "$preset"
  tools/check_skips.sh "$preset"
done
