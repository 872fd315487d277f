#!/usr/bin/env bash
# A folder without permission to write, and a file without permission to read.
if [ "$(id -u)" -eq 0 ]; then
  # Permissions do not bind root, but they bind nobody.
  as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
  if $as_nobody test -x "$1" && $as_nobody test -r "$0"; then
    exec $as_nobody env TMPDIR=/tmp bash "$0" "$@"
  fi
  echo "SKIPPED: permissions do not bind root, who cannot become another user here"
  exit 77
fi
. "$(dirname "$0")/lib.sh"

mkdir locked
ends 0 fit U1 "${brief[@]}" --out run
chmod a-w locked
refuses 73 'Permission denied' fit U1 "${brief[@]}" --out locked/run
refuses 73 'Permission denied' fit U1 "${brief[@]}" --out locked
refuses 73 'Permission denied' sample run -n 3 -o locked/draws.csv
chmod a-r run/model.riffle
refuses 66 'Permission denied' sample run -n 3
touch spec.toml
chmod a-r spec.toml
refuses 66 'Permission denied' fit spec.toml

finish
