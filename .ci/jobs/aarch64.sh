#!/bin/sh
# The engine for aarch64: core, lanes, bases and flows pass their tests under qemu-user.
set -eu
cd "$(dirname "$0")/../.."
. tools/packages.sh
tools/install_packages.sh $build_packages $cross_packages
tools/aarch64_sysroot.sh
tools/build.sh aarch64 riffle_tests_core riffle_tests_lanes riffle_tests_bases riffle_tests_flows
tools/run_tests.sh aarch64 -R '^(core|lanes|bases|flows)\.'
