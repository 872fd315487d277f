#!/bin/sh
# Every source is formatted.
set -eu
cd "$(dirname "$0")/../.."
. tools/packages.sh
tools/install_packages.sh $format_packages
tools/format.sh --check
