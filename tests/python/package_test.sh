#!/usr/bin/env bash
# The tests of the package for Python pass against this build's library. RIFFLE_PYTHON names a Python with packages
# (scikit-learn, ArviZ, JAX, ...) whose tests are skipped else.
. "$(dirname "$0")/../cli/lib.sh"

# python3 may be one of the user's own, without packages.
for python in ${RIFFLE_PYTHON:-python3 /usr/bin/python3}; do
  "$python" -c 'import numpy' 2>/dev/null && break
done
[ -z "${SANITIZE:-}" ] || skip "Python cannot load a sanitized library"
command -v "$python" >/dev/null || skip "python3 is not installed"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || skip "this Python is older than 3.9"
"$python" -c 'import numpy' 2>/dev/null || skip "Python's package numpy is not installed"

export RIFFLE_LIBRARY=$LIBRARY RIFFLE_PROGRAM=$riffle PYTHONPATH=$SOURCE/python PYTHONDONTWRITEBYTECODE=1
"$python" -m unittest discover -s "$SOURCE/python/tests" >"$log/out" 2>&1 || fail "its tests: $(tail -60 "$log/out")"
tail -n 1 "$log/out"
if "$python" -c 'import mypy' 2>/dev/null; then
  (cd "$SOURCE" && "$python" -m mypy --strict --cache-dir "$scratch/mypy" python/riffle) >"$log/out" 2>&1 ||
    fail "its types: $(cat "$log/out")"
fi

finish
