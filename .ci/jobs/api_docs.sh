#!/bin/sh
# Doxygen reads the public headers without a warning; the pages are in build/api_docs/html.
set -eu
cd "$(dirname "$0")/../.."
. tools/packages.sh
tools/install_packages.sh $docs_packages
mkdir -p build
doxygen docs/Doxyfile
