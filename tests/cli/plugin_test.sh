#!/usr/bin/env bash
# Plug-ins from the shell.
. "$(dirname "$0")/lib.sh"
plugins=$(realpath "$PLUGINS")
cp "$plugins/banana.so" .

fast=("${brief[@]}" --flow planar:4)
longer=(--iterations 5000 --batch 512 --no-plots --flow planar:4 --set run.evaluation_draws=1000
  --set run.draws=50 --set run.checkpoint_seconds=0)
ends 0 fit --plugin banana.so --data 0.25 "${fast[@]}"
[ -s runs/banana-1/summary.json ] || fail "no runs/banana-1"
grep -q '"target": "banana"' runs/banana-1/summary.json || fail "summary.json has no name"
grep -q '"log_z_true": 0' runs/banana-1/summary.json || fail "summary.json has no log Z"
grep -q '"failed_evaluations": 0' runs/banana-1/summary.json || fail "summary.json counts no failures"
grep -q "^plugin = \"$PWD/banana.so\"" runs/banana-1/spec.toml || fail "the path is not absolute"
grep -q '^data = "0.25"' runs/banana-1/spec.toml || fail "data that are no file were altered"
mkdir elsewhere
(cd elsewhere && "$riffle" fit ../runs/banana-1/spec.toml --out again --quiet) || fail "no second run"
same_run runs/banana-1 elsewhere/again

ends 0 sample runs/banana-1 -n 50
same_file "$log/out" runs/banana-1/draws.csv
mv banana.so gone.so
refuses 66 'banana.so does not exist' sample runs/banana-1 -n 50
refuses 66 'banana.so does not exist' diagnose runs/banana-1
ends 0 sample runs/banana-1 -n 50 --unconstrained
mv gone.so banana.so
ends 0 diagnose runs/banana-1 -n 2000

# A library that was built again is told of, and used.
warns() {
  grep -q '^warning: .*banana.so has changed since the run in runs/banana-1 began' "$log/err" ||
    fail "$1: no word of another library: $(cat "$log/err")"
}
cp banana.so before.so
echo >>banana.so
ends 0 diagnose runs/banana-1 -n 2000
warns diagnose
ends 0 sample runs/banana-1 -n 50
warns sample
same_file "$log/out" runs/banana-1/draws.csv
mv before.so banana.so
ends 0 sample runs/banana-1 -n 50
[ ! -s "$log/err" ] || fail "sample says: $(cat "$log/err")"

# Data that changed make another target of the same run.
printf '1,0\n2,1\n3,0\n4,1\n' >data.csv
ends 0 fit logistic --set target.data=data.csv "${brief[@]}" --method staged --out logistic
printf '1,0\n2,1\n3,0\n4,0\n' >data.csv
refuses 65 'data.csv has changed since the run in logistic began' sample logistic -n 5
refuses 65 'data.csv has changed since the run in logistic began' diagnose logistic
ends 0 sample logistic -n 5 --unconstrained
ends 0 fit logistic/spec.toml --out logistic --force
ends 0 diagnose logistic -n 2000

# Killed and resumed, it ends with the same bits; the library is loaded again.
ends 0 fit --plugin banana.so "${longer[@]}" --out whole
"$riffle" fit --plugin banana.so "${longer[@]}" --out killed \
  >"$log/out" 2>&1 &
for _ in $(seq 1000); do [ -e killed/checkpoint.riffle ] && break; sleep 0.01; done
kill -9 $! && wait $! 2>/dev/null
if [ -e killed/summary.json ]; then echo "it was done before it was killed"; else
  ends 0 fit killed --resume
  same_run whole killed
fi

# Two dimensions have pictures.
if command -v gnuplot >/dev/null; then
  ends 0 fit --plugin banana.so --flow planar:4 --iterations 300 --batch 32 --set run.evaluation_draws=1000 \
    --out pictured
  [ -s pictured/posterior.png ] || fail "no picture of the posterior"
  mv banana.so gone.so
  ends 0 plot pictured
  grep -q '^warning: no picture of the target: .*banana.so does not exist' "$log/err" ||
    fail "no word of the library that is gone: $(cat "$log/err")"
  mv gone.so banana.so
fi

# Through a spec, with threads.
printf '[target]\nplugin = "banana.so"\ndata = "0.5"\n' >mine.toml
ends 0 fit mine.toml "${longer[@]}" --threads 2
grep -q '"threads": 2' runs/mine-1/summary.json || fail "not on 2 threads"

# What a plug-in prints gets into no table, whether it closes the standard streams or not.
fakes=$(dirname "$plugins")
for how in 'print' 'print and close'; do
  rm -rf printed
  ends 0 fit --plugin "$fakes/fake_plugin.so" --data "$how" "${brief[@]}" --flow planar:4 --out printed --quiet
  [ ! -s "$log/out" ] || fail "$how: fit says: $(head -3 "$log/out")"
  grep -rlE 'hello' printed && fail "$how: a file of the run has what the model printed"
  [ "$(wc -l <printed/draws.csv)" -eq 51 ] || fail "$how: draws.csv is not whole"
done
rm -rf printed
ends 0 fit --plugin "$fakes/fake_plugin.so" --data print "${brief[@]}" --flow planar:4 --out printed
grep -q 'wrote printed/summary.json' "$log/out" || fail "fit itself says nothing"
grep -q hello "$log/out" && fail "standard output has what the model printed"
grep -q 'hello from printf' "$log/err" || fail "what C prints is lost"
grep -q 'hello from cout' "$log/err" || fail "what C++ prints is lost"
ends 0 sample printed -n 3
[ "$(wc -l <"$log/out")" -eq 4 ] || fail "sample: not 3 draws but: $(cat "$log/out")"

# A gradient that is wrong is told of, by coordinate and figures; a right one is not.
for factor in -1 0 0.5; do
  ends 0 fit --plugin "$fakes/fake_plugin.so" --data "gradient times $factor" "${brief[@]}" --flow planar:4 \
    --method flow --out gradient --force
  grep -q '^warning: the gradient is not that of ln p: its component z.1 is' "$log/err" ||
    fail "a gradient times $factor: $(cat "$log/err")"
done
ends 0 fit --plugin "$fakes/fake_plugin.so" --data 'gradient times 1' "${brief[@]}" --out gradient --force
grep -q gradient "$log/err" && fail "a right gradient: $(cat "$log/err")"

# Where it starts.
far=(--plugin "$fakes/fake_plugin.so" --data 'nowhere below 10' --no-plots --set run.draws=50
  --set run.evaluation_draws=1000 --quiet)
# fails_at_start TEXT ARGUMENT...: no start does, and that is said so. The folder is there by then.
fails_at_start() {
  local text=$1
  shift
  ends 65 fit "${far[@]}" --out lost --force "$@"
  one_clear_line "$text" "no start"
}
fails_at_start 'finite at none of 104 starts in (-2, 2)^1: NaN at'
fails_at_start 'the first failed with: no logarithm of -'
fails_at_start 'starts that --init gives: -inf at 1' --init 0
ends 0 fit "${far[@]}" --out far --init 100
printf '{"z": [17]}' >start.json
ends 0 fit "${far[@]}" --out started --init start.json
grep -q "^init = \"$PWD/start.json\"" started/spec.toml || fail "the path of the start is not absolute"
ends 0 fit "${far[@]}" --out again --init far/inits_1.json
refuses 66 'none.json' fit "${far[@]}" --out bad --init none.json
refuses 64 'target.init' fit "${far[@]}" --out bad --init=-1
refuses 64 'target.init' fit "${far[@]}" --out bad --init 1 --method flow
printf '{"zz": [17]}' >bad.json
refuses 65 'no parameter "zz"' fit "${far[@]}" --out bad --init bad.json
printf '{"z": [17, 2]}' >bad.json
refuses 65 'z has 2 values, but the parameter has 1' fit "${far[@]}" --out bad --init bad.json
printf '{"sigma": -1}' >bad.json
refuses 65 'the values of sigma are not where it can be' fit --plugin "$fakes/fake_plugin_names.so" \
  --data sigma --out bad --init bad.json
refuses 65 'lp__' fit --plugin "$fakes/fake_plugin_names.so" --data lp__ --out bad
[ ! -e bad/draws.csv ] || fail "there are draws of a fit that was refused"

# What is wrong is said before anything is made.
refuses 65 'positive number, not "wide"' fit --plugin banana.so --data wide
refuses 66 'none.so does not exist' fit --plugin none.so
refuses 64 'one target' fit --plugin banana.so --stan banana.so
refuses 65 'bs_model_construct' fit --stan banana.so
refuses 64 'target.data' fit U1 --data x.json
refuses 64 'run.precision' fit --plugin banana.so --precision float
echo text >text.so
refuses 65 'text.so cannot be loaded' fit --plugin text.so

finish
