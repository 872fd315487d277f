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
