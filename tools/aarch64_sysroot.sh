#!/bin/sh
# aarch64_sysroot.sh [DIR]: unpacks the libraries that Riffle is built with, as Debian or Ubuntu have them for
# aarch64, to DIR, by default build/aarch64-sysroot, for cmake/aarch64-linux-gnu.cmake. Installs nothing, and
# needs no root: apt keeps what it knows of aarch64 in DIR too.
set -eu
cd "$(dirname "$0")/.."
. tools/packages.sh
dir=${1:-build/aarch64-sysroot}
[ ! -e "$dir/complete" ] || exit 0

mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial"
dir=$(cd "$dir" && pwd)
: >"$dir/apt/status"  # nothing is installed, so that dependencies are fetched as well
apt="-o Dir::State=$dir/apt -o Dir::State::status=$dir/apt/status -o Dir::Cache=$dir/apt
  -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=
  -o Debug::NoLocking=1"
libraries=""
for package in $build_packages $test_packages; do
  case "$package" in lib* | nlohmann*) libraries="$libraries $package" ;; esac
done
log="$dir/apt/log"
# shellcheck disable=SC2086  # the lists are words
if ! { apt-get $apt update &&
       apt-get $apt install --download-only -y --no-install-recommends $libraries; } >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  echo "Fetching the packages failed; the last lines of apt-get are above." >&2
  exit 69
fi
for package in "$dir"/apt/archives/*.deb; do
  dpkg-deb --extract "$package" "$dir"
done
rm -r "$dir/apt"
touch "$dir/complete"
