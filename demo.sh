#!/bin/sh
# The main job: a planar flow learns the tutorial's crescents, with pictures. Installs what is missing,
# builds what has changed, runs. Arguments are handed to `riffle fit tutorial`.
set -eu
cd "$(dirname "$0")"

. tools/packages.sh
# shellcheck disable=SC2086
tools/install_packages.sh $build_packages $test_packages $plot_packages  # one configuration, tests too
tools/build.sh release riffle-cli

exec build/release/riffle fit tutorial --force "$@"
