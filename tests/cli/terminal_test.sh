#!/usr/bin/env bash
# On a terminal: one line of progress, rewritten in place, and Ctrl-C.
. "$(dirname "$0")/lib.sh"

command -v script >/dev/null || skip "there is no script(1) to make a terminal with"
script -qec true /dev/null </dev/null >/dev/null 2>&1 || skip "script(1) cannot make a terminal here"

escape=$(printf '\033')
quoted() {
  printf '%q ' "$riffle" "$@"
}

script -qec "$(quoted fit U1 --iterations 20000 --flow planar:8 --batch 512 --no-plots --out run)" /dev/null \
  </dev/null >"$log/screen"
[ $? -eq 0 ] || fail "exit code on a terminal: $(cat "$log/screen")"
if grep -q 'Loss on iteration' "$log/screen"; then fail "lines of log on a terminal"; fi
grep -q "$escape\\[K" "$log/screen" || fail "no line that is rewritten"
for word in ' % ' 'of 20000' 'loss' 'it/s' 'left'; do
  grep -qF -- "$word" "$log/screen" || fail "the line of progress does not tell \"$word\""
done
# longest: of the lines that are shown, one after the other in the same place.
longest() {
  tr '\r' '\n' <"$log/screen" | sed "s/$escape\[K//g" | grep 'of 20000' |
    awk '{ if (length($0) > m) m = length($0) } END { print m + 0 }'
}
[ "$(longest)" -lt 80 ] || fail "the line of progress wraps: $(longest) characters"
# What is left on the screen is the report alone: what a carriage return began anew is gone.
tr -d '\r' <"$log/screen" | sed "s/.*$escape\\[K//" >"$log/left"
if grep -q 'it/s' "$log/left"; then fail "a line of progress is left: $(cat "$log/left")"; fi
grep -q '^completed: ' "$log/left" || fail "the report does not begin on a line of its own"
grep -q '^wrote run/summary.json' "$log/left" || fail "no word of what was written"

for columns in 30 50 120; do
  script -qec "stty cols $columns; $(quoted fit U1 --iterations 20000 --flow planar:4 --batch 64 \
    --no-plots --force --out narrow)" /dev/null </dev/null >"$log/screen"
  [ "$(longest)" -lt $columns ] || fail "$(longest) characters on $columns columns"
done
grep -q 'rate' "$log/screen" || fail "no learning rate where there is room for it"

# A staged fit says what it does between its stages, and its text fits the terminal.
script -qec "stty cols 60; $(quoted fit funnel --set target.dim=3 --max-seconds 60 --no-plots --out staged)" \
  /dev/null </dev/null >"$log/screen"
for word in ' gradients' 'training a normal' '  left '; do
  grep -qF -- "$word" "$log/screen" || fail "between stages: does not tell \"$word\""
done
wide=$(tr '\r' '\n' <"$log/screen" | sed "s/$escape\[K//g" | LC_ALL=C.UTF-8 grep -E '^.{61,}')
[ -z "$wide" ] || fail "wider than 60 columns: $wide"
tr -d '\r' <"$log/screen" | sed "s/.*$escape\\[K//" >"$log/left"
for command in "check staged" "summary staged" "compare staged staged" "diagnose staged"; do
  # shellcheck disable=SC2086
  script -qec "stty cols 60; $(quoted $command)" /dev/null </dev/null >"$log/table"
  wide=$(tr -d '\r' <"$log/table" | LC_ALL=C.UTF-8 grep -E '^.{61,}')
  [ -z "$wide" ] || fail "riffle $command: wider than 60 columns: $wide"
done
if grep -q 'training' "$log/left"; then fail "what it did is left: $(cat "$log/left")"; fi

# Drawing is said while it takes its time.
script -qec "$(quoted fit U1 --iterations 300 --batch 32 --out drawn)" /dev/null </dev/null >"$log/screen"
if command -v gnuplot >/dev/null; then
  grep -qF 'drawing pictures' "$log/screen" || fail "drawing is not said"
  tr -d '\r' <"$log/screen" | sed "s/.*$escape\\[K//" >"$log/left"
  if grep -q 'drawing' "$log/left"; then fail "what it did is left: $(cat "$log/left")"; fi
fi

script -qec "$(quoted fit U1 --iterations 300 --objective free-energy --no-plots --quiet --out quiet)" /dev/null \
  </dev/null >"$log/screen"
[ ! -s "$log/screen" ] || fail "--quiet is not quiet on a terminal"

# Ctrl-C as a terminal sends it.
(
  for _ in $(seq 600); do
    [ ! -e long/checkpoint.riffle ] || break
    sleep 0.05
  done
  printf '\003'
  sleep 2
) | script -qec "$(quoted fit U1 --iterations 1000000000 --no-plots --out long \
  --set run.evaluation_draws=1000 --set run.checkpoint_seconds=0)" /dev/null >"$log/screen"
[ $? -eq 130 ] || fail "Ctrl-C: not exit code 130: $(tail -c 300 "$log/screen")"
grep -q 'interrupted; `riffle fit long --resume` goes on' "$log/screen" || fail "no way on is told"
grep -q '"stop_reason": "interrupted"' long/summary.json || fail "not marked interrupted"

finish
