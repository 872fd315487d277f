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

# However many values are computed from the parameters, and however dear a gradient is, a signal ends
# a fit soon, wherever it arrives.
cp "$FAKES/wide_plugin.so" .
ends_soon() {  # NAME MOMENT ARGUMENT...
  local name=$1 moment=$2 start
  shift 2
  "$riffle" fit "$@" --no-plots --quiet --out "$name" >"$log/out" 2>"$log/err" &
  local process=$!
  sleep "$moment"
  start=$SECONDS
  kill -TERM $process
  wait $process
  local code=$?
  [ $code -eq 130 ] || [ $code -eq 0 ] || fail "$name after $moment s: exit code $code"
  [ $((SECONDS - start)) -le 10 ] || fail "$name after $moment s: took $((SECONDS - start)) s to end"
  [ -s "$name/summary.json" ] && [ -s "$name/draws.csv" ] || fail "$name after $moment s: no results"
  no_temporaries "$name"
}
for moment in 0.3 1.2; do
  ends_soon "wide$moment" $moment --plugin wide_plugin.so --data '3000 values'
  ends_soon "dear$moment" $moment --plugin fake_plugin.so --data '8 ms a point'
  ends_soon "dear-flow$moment" $moment --plugin fake_plugin.so --data '8 ms a point' \
    --method flow --flow planar:2 --batch 32
done

# Time is kept, whether calls or points are dear, by the final draws too.
for data in '20 ms a call' '4 ms a point'; do
  begin=$(date +%s%N)
  ends 0 fit --plugin fake_plugin.so --data "$data" --no-plots --max-seconds 4 --out timed --force
  milliseconds=$((($(date +%s%N) - begin) / 1000000))
  # 2 %, a call of 64 points, and what starting takes.
  [ $milliseconds -le 4700 ] || fail "$data: 4 s became $milliseconds ms"
  grep -q '"stop_reason": "out-of-budget"' timed/summary.json ||
    [ $milliseconds -le 4000 ] || fail "$data: not out of budget"
done

# What was asked of the target before a fit was resumed counts.
counted=(fit --plugin fake_plugin.so --data '5 ms a call' "${few[@]}" --quiet)
figure() { sed -n "s/^  \"$2\": \([0-9]*\),\$/\1/p" "$1/summary.json"; }
"$riffle" "${counted[@]}" --out part 2>/dev/null &
process=$!
sleep 0.4
kill -TERM $process
wait $process
if [ $? -eq 130 ]; then
  before=$(figure part gradients)
  ends 0 fit part --resume
  both=$(figure part gradients)
  [ "$both" -eq $((before + $(figure whole gradients))) ] || fail "$before gradients and more are $both"
  [ "$(figure part evaluations)" -eq "$both" ] || fail "evaluations are not $both"
fi
flow=(fit --plugin fake_plugin.so --data nothing --method flow --flow planar:2 --iterations 20000
  --batch 64 "${few[@]}" --quiet --set run.checkpoint_seconds=0)
ends 0 "${flow[@]}" --out whole-flow
"$riffle" "${flow[@]}" --out part-flow 2>/dev/null &
process=$!
for _ in $(seq 500); do [ -e part-flow/checkpoint.riffle ] && break; sleep 0.01; done
kill -TERM $process
wait $process
if [ $? -eq 130 ]; then
  ends 0 fit part-flow --resume
  for name in gradients evaluations failed_evaluations; do
    # The gradient is compared with differences again.
    more=$(($(figure part-flow $name) - $(figure whole-flow $name)))
    [ "$more" -ge 0 ] && [ "$more" -le 100 ] ||
      fail "$name of both parts: $(figure part-flow $name), not $(figure whole-flow $name)"
  done
fi

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
