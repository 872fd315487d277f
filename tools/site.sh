#!/bin/sh
# site.sh [FOLDER]: builds the documentation as a site, by default in build/site. Needs Sphinx, MyST and furo (the
# packages of $site_packages), and Doxygen. A warning is an error, and so is a link that leads nowhere.
set -eu
cd "$(dirname "$0")/.."
site=${1:-build/site}

doxygen docs/Doxyfile
python=${PYTHON:-python3}
"$python" -m sphinx -q -W --keep-going -b html -d build/site_doctrees docs "$site"
rm -rf "$site/reference"
cp -r build/api_docs/html "$site/reference"
tools/check_links.py "$site"
echo "$site/index.html"
