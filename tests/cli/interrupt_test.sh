#!/usr/bin/env bash
# Ctrl-C ends a run with what it has, marked so, and it can be resumed.
. "$(dirname "$0")/lib.sh"

if [ "$effort" -lt 100 ]; then iterations=4000; else iterations=40000; fi
arguments=(fit U2 --iterations "$iterations" --batch 64 --flow planar:8 --no-plots
  --set run.evaluation_draws=2000 --set run.draws=100)
ends 0 "${arguments[@]}" --out whole

for signal in INT TERM; do
  : >"$log/out"  # or what the run before said is taken for a line of this one
  "$riffle" "${arguments[@]}" --set run.log_every=100 --out "$signal" >"$log/out" 2>"$log/err" &
  process=$!
  # The log comes line by line, though it is not a terminal that it goes to.
  for _ in $(seq 3000); do
    [ ! -s "$log/out" ] || break
    sleep 0.01
  done
  [ -s "$log/out" ] || fail "no line of log arrives while it runs"
  kill -$signal $process
  wait $process
  code=$?
  if [ $code -eq 0 ]; then
    echo "the run was over before it could be interrupted"
    continue
  fi
  [ $code -eq 130 ] || fail "SIG$signal: exit code $code, not 130"
  [ "$(cat "$log/err")" = "interrupted; \`riffle fit $signal --resume\` goes on" ] ||
    fail "SIG$signal: says $(cat "$log/err")"
  grep -q '"stop_reason": "interrupted"' "$signal/summary.json" || fail "not marked interrupted"
  done=$(sed -n 's/.*"iterations": \([0-9]*\).*/\1/p' "$signal/summary.json")
  [ "$done" -gt 0 ] && [ "$done" -lt $iterations ] || fail "$done iterations when interrupted"
  [ "$(wc -l <"$signal/loss.csv")" -eq $((done + 1)) ] || fail "loss.csv is not of $done iterations"
  for name in model.riffle draws.csv checkpoint.riffle; do
    [ -s "$signal/$name" ] || fail "no $name of an interrupted run"
  done
  no_temporaries "$signal"
  ends 0 sample "$signal" -n 3
  ends 0 fit "$signal" --resume
  grep -q '"stop_reason": "completed"' "$signal/summary.json" || fail "not completed when resumed"
  same_run "$signal" whole
  [ ! -e "$signal/checkpoint.riffle" ] || fail "a checkpoint is left after the end"
done

finish
