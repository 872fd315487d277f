#!/bin/sh
# with_progress.sh LOG UNIT COMMAND...: runs a command of numbered steps, ninja's or ctest's, with its output
# in LOG, and shows meanwhile how far it is: on a terminal in one line that is rewritten, elsewhere in a line
# every 30 s (RIFFLE_PROGRESS_SECONDS sets another interval). Tests that fail are named at once. UNIT names
# the steps. The exit status is the command's.
set -eu
log=$1
unit=$2
shift 2
start=$(date +%s)
terminal=false
if [ -t 1 ]; then terminal=true; fi
every=${RIFFLE_PROGRESS_SECONDS:-30}
: >"$log"

# clock SECONDS: as 3:10, or 1:03:10.
clock() {
  if [ "$1" -ge 3600 ]; then
    printf '%d:%02d:%02d' $(($1 / 3600)) $(($1 / 60 % 60)) $(($1 % 60))
  else
    printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
  fi
}

# The lines of tests that ended in another way than passed or skipped, as "name (how)".
failed_tests() {
  sed -n '/\*\*\*Skipped/d
    s/^ *[0-9]*\/[0-9]* Test *#[0-9]*: \(.*[^ .]\) *\.*\*\*\*\(.*[^ ]\)  *\([0-9.]* sec\).*/\1 (\2, \3)/p' "$log"
}

# progress SECONDS: sets `line`, to something like "1200 of 4912 tests, 0 failed, 3:10"; false where no step
# has ended yet.
progress() {
  at=$(tail -c 65536 "$log" | sed -n \
    -e 's/^\[\([0-9]*\)\/\([0-9]*\)\].*/\1 \2/p' \
    -e 's/^ *\([0-9]*\)\/\([0-9]*\) Test *#.*/\1 \2/p' | tail -n 1)
  [ -n "$at" ] || return 1
  done=${at% *}
  all=${at#* }
  line="$done of $all $unit"
  if [ "$unit" = tests ]; then line="$line, $failed failed"; fi
  line="$line, $(clock "$1")"
  # The first steps tell little of the others.
  if [ "$1" -ge 10 ] && [ $((20 * done)) -ge "$all" ] && [ "$done" -lt "$all" ]; then
    line="$line, about $(clock $(($1 * (all - done) / done))) to go"
  fi
}

# announce: where there is much to compile, how long that takes, roughly: a step some seconds of a core.
announce() {
  if ! progress 0; then return; fi
  announced=true
  cores=$(nproc)
  minutes=$(((all * 6 / cores + 30) / 60))
  if [ "$unit" != steps ] || [ "$minutes" -lt 2 ]; then return; fi
  if "$terminal"; then printf '\r\033[K' >&3; fi
  echo "  $all steps, from scratch roughly $minutes minutes with $cores core$([ "$cores" -eq 1 ] || echo s)" >&3
}

# Shows progress until the command has ended, which closes the pipe that this writes to.
watch() {
  failed=0
  announced=false
  last=$start
  while printf . 2>/dev/null; do
    sleep 0.5
    now=$(date +%s)
    # Failures first, each once.
    if [ "$unit" = tests ]; then
      count=$(failed_tests | wc -l)
      if [ "$count" -gt "$failed" ]; then
        if "$terminal"; then printf '\r\033[K' >&3; fi
        failed_tests | tail -n +$((failed + 1)) | sed 's/^/  FAILED  /' >&3
        failed=$count
      fi
    fi
    "$announced" || announce
    if "$terminal"; then
      if progress $((now - start)); then printf '\r  %s\033[K' "$line" >&3; fi
    elif [ $((now - last)) -ge "$every" ]; then
      last=$now
      if progress $((now - start)); then echo "  $line" >&3; fi
    fi
  done
}

# Both are in the terminal's foreground, so Ctrl-C reaches the command, and the last of a pipeline gives the
# status, as there is no pipefail.
trap 'echo; trap - INT; kill -INT $$' INT
status=0
exec 3>&1
watch | {
  exec 3>&-
  "$@" >"$log" 2>&1 </dev/null || exit $?  # not the last word: the pipe stays open until it has ended
} || status=$?
if "$terminal"; then printf '\r\033[K'; fi
exit "$status"
