#!/usr/bin/env bash
# Staged fits that are stopped, and targets that hang.
. "$(dirname "$0")/lib.sh"
cp "$FAKES/fake_plugin.so" . || skip "the fake plug-in was not built"

few=(--no-plots --set run.evaluation_draws=2000 --set run.draws=50)

# Interrupted, the run is there, marked so; resumed, it starts again and ends with the same bits.
# Calls that take 5 ms leave time for that, in the search for modes and after it.
whole=(fit --plugin fake_plugin.so --data '5 ms a call' "${few[@]}")
ends 0 "${whole[@]}" --out whole
for moment in 0.1 0.5; do
  "$riffle" "${whole[@]}" --out "stopped$moment" >"$log/out" 2>"$log/err" &
  process=$!
  sleep $moment
  kill -INT $process
  wait $process
  code=$?
  if [ $code -eq 0 ]; then
    echo "the run was over before it could be interrupted"
    continue
  fi
  [ $code -eq 130 ] || fail "after $moment s: exit code $code, not 130"
  at=stopped$moment
  grep -q "^interrupted; \`riffle fit $at --resume\` starts it again$" "$log/err" ||
    fail "after $moment s: says $(cat "$log/err")"
  grep -q '"stop_reason": "interrupted"' "$at/summary.json" || fail "not marked interrupted"
  for name in model.riffle draws.csv loss.csv summary.json; do
    [ -s "$at/$name" ] || fail "no $name of an interrupted run"
  done
  no_temporaries "$at"
  [ "$(wc -l <"$at/draws.csv")" -eq 51 ] || fail "not 50 draws when interrupted"
  ends 0 fit "$at" --resume
  grep -q '"stop_reason": "interrupted"' "$at/summary.json" && fail "interrupted though resumed"
  for name in model.riffle draws.csv loss.csv; do same_file "$at/$name" "whole/$name"; done
  refuses 64 'is complete' fit "$at" --resume
done

# A target that hangs ends the fit soon after its time.
hangs() {  # DIR DATA TEXT
  local start=$SECONDS
  ends 75 fit --plugin fake_plugin.so --data "$2" "${few[@]}" --max-seconds 0.5 --out "$1"
  [ $((SECONDS - start)) -le 10 ] || fail "it took $((SECONDS - start)) s to give up"
  one_clear_line "$3" "data $2"
  [ ! -e "$1/summary.json" ] || fail "a summary of a run that hangs"
  no_temporaries "$1"
}
hangs early 'hang after 0' 'no flow was fitted by then'
[ ! -e early/model.riffle ] || fail "a flow out of nothing"
# One that hangs when the normal distribution is there and its draws are to be weighed.
spent=$(sed -n '/"name": "normal"/,/"gradients"/s/.*"gradients": \([0-9]*\).*/\1/p' whole/summary.json)
hangs late "hang after $((spent + 100))" 'the flow of the last finished stage is in late/model.riffle'
ends 0 sample late -n 3 --unconstrained

# One that is merely slow is waited for.
ends 0 fit --plugin fake_plugin.so --data '40 ms a call' --no-plots --max-seconds 0.1 \
  --set run.evaluation_draws=5000 --set run.draws=50 --out slow
grep -q '"stop_reason": "out-of-budget"' slow/summary.json || fail "slow: not out of budget"

# The final draws count inside a budget, and are the flow's own.
ends 0 fit banana --no-plots --max-gradients 6000 --out scarce
grep -q '^warning: the budget did for [0-9]* draws, not for the 4000' "$log/err" ||
  fail "no word of draws that are missing: $(cat "$log/err")"
judged=$(sed -n 's/^  "evaluation_draws": \([0-9]*\),$/\1/p' scarce/summary.json)
says "$judged draws judge the fit, where 20000 were to" "a fit with few gradients"
spent=$(sed -n 's/^  "gradients": \([0-9]*\),$/\1/p' scarce/summary.json)
[ "$spent" -le 6000 ] || fail "$spent gradients, where 6000 were allowed"
[ "$(wc -l <scarce/draws.csv)" -eq $((judged + 1)) ] || fail "not $judged rows of draws"
ends 0 sample scarce -n "$judged" -o same.csv
same_file same.csv scarce/draws.csv

finish
