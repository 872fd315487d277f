#!/bin/sh
# install_packages.sh PACKAGE...: installs those Debian or Ubuntu packages that are missing, with sudo
# where the user is not root, and says which. Does nothing where none is missing.
set -eu

missing=""
for package in "$@"; do
  case "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" in
    "install ok installed") ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "These packages are missing, and there is no sudo to install them with:$missing" >&2
    exit 69
  fi
  as_root="sudo"
fi
echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086  # the lists are words
if ! { $as_root apt-get update &&
       $as_root apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  echo "Installing the packages failed; the last lines of apt-get are above." >&2
  exit 69
fi
