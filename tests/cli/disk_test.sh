#!/usr/bin/env bash
# A disk that is full at any moment: one clear line, and nothing half-written under a final name.
. "$(dirname "$0")/lib.sh"

arguments=(fit U1 "${brief[@]}" --set run.draws=2000 --set run.checkpoint_seconds=0)
ends 0 "${arguments[@]}" --out whole
largest=$(find whole -type f -size +0 -printf '%s\n' | sort -n | tail -1)

limits="1 2 4 8 16 32 64 100 200 400 800 1600 3200"
# ThreadSanitizer itself does not start where no file can be written at all.
[ "$effort" -lt 100 ] || limits="0 $limits"

failed=0
# In units of 1024 bytes; the files of a run grow from the spec (1) over model and losses on.
for limit in $limits; do
  rm -rf run
  # By a pipe, because the limit would hold for a file of messages too.
  message=$( (
    ulimit -f "$limit"
    "$riffle" "${arguments[@]}" --out run 2>&1 >/dev/null
    echo "code $?"
  ))
  code=${message##*code }
  printf '%s\n' "${message%code *}" | sed '/^$/d' >"$log/err"
  only_whole_files run whole
  no_temporaries run
  if [ "$code" = 74 ]; then
    failed=$((failed + 1))
    one_clear_line 'cannot write' "a limit of $limit KiB"
    # With room it can be done over.
    ends 0 "${arguments[@]}" --out run --force
    same_run run whole
  elif [ "$code" = 0 ]; then
    [ $((limit * 1024)) -ge "$largest" ] || fail "a limit of $limit KiB went unnoticed"
    same_run run whole
  else
    fail "a limit of $limit KiB: exit code $code, not 74: $message"
  fi
done
[ $failed -ge 4 ] || fail "only $failed limits were too tight: the test does not test"

# Draws to a file.
message=$( (
  ulimit -f 4
  "$riffle" sample whole -n 100000 -o draws.csv 2>&1
  echo "code $?"
))
[ "${message##*code }" = 74 ] || fail "sample -o on a full disk: $message"
[ ! -e draws.csv ] || fail "half a file of draws"
no_temporaries .

finish
