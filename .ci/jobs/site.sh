#!/bin/sh
# The documentation as a site, without a warning or a link that leads nowhere.
set -eu
cd "$(dirname "$0")/../.."
. tools/packages.sh
# shellcheck disable=SC2086
tools/install_packages.sh $site_packages
PYTHON=/usr/bin/python3 tools/site.sh
