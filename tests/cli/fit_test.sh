#!/usr/bin/env bash
# What a fit writes, where, and that the same spec gives the same bits.
. "$(dirname "$0")/lib.sh"

# The tutorial, piped: 33 lines, as the tutorial's own.
ends 0 fit tutorial --no-plots
[ "$(grep -cE '^Loss on iteration [0-9]+: -?[0-9.e+-]+$' "$log/out")" -eq 33 ] ||
  fail "not 33 lines of log: $(cat "$log/out")"
grep -E '^Loss' "$log/out" | sed 's/^Loss on iteration \([0-9]*\):.*/\1/' >"$log/iterations"
seq 300 300 9900 | cmp -s - "$log/iterations" || fail "not every 300 iterations"
[ ! -s "$log/err" ] || fail "the tutorial's recipe says: $(cat "$log/err")"
for name in spec.toml summary.json model.riffle loss.csv draws.csv samples.csv; do
  [ -s runs/tutorial-1/$name ] || fail "no runs/tutorial-1/$name"
done
[ ! -e runs/tutorial-1/checkpoint.riffle ] || fail "a checkpoint of a completed run"
[ "$(wc -l <runs/tutorial-1/loss.csv)" -eq 10001 ] || fail "loss.csv is not 10000 lines"
[ "$(wc -l <runs/tutorial-1/draws.csv)" -eq 4001 ] || fail "draws.csv is not 4000 lines"
[ "$(head -1 runs/tutorial-1/draws.csv)" = "lp__,lp_approx__,z.1,z.2" ] || fail "header of draws.csv"
no_temporaries .

# The summary.
for key in target dim flow parameters iterations batch seed threads precision simd version \
  stop_reason seconds us_per_iteration bound bound_se elbo elbo_se log_z_true kl kl_se \
  invalid_draws injective warnings evaluation_draws; do
  grep -q "\"$key\": " runs/tutorial-1/summary.json || fail "summary.json has no $key"
done
grep -q '"stop_reason": "completed"' runs/tutorial-1/summary.json || fail "not completed"
grep -q '"parameters": 80' runs/tutorial-1/summary.json || fail "not 80 parameters"
grep -qE '"evaluation_draws": [1-9][0-9]{5,}' runs/tutorial-1/summary.json ||
  fail "final figures of fewer than 100,000 draws"
ends 0 fit U2-improper "${brief[@]}" --set run.evaluation_draws=1000
grep -q '"log_z_true": null' runs/U2-improper-1/summary.json || fail "log Z of an improper target"
grep -q '"kl": null' runs/U2-improper-1/summary.json || fail "KL of an improper target"
grep -q 'improper' runs/U2-improper-1/summary.json || fail "summary.json does not warn"
grep -q '^warning: .*improper' "$log/err" || fail "the screen does not warn"

# The same spec, the same bits: repeated, on other threads, quiet.
ends 0 fit runs/tutorial-1/spec.toml --out again
same_run runs/tutorial-1 again
same_file runs/tutorial-1/spec.toml again/spec.toml
wide=(--iterations 300 --batch 1000 --objective free-energy --no-plots
  --set run.evaluation_draws=1000 --set run.draws=50)
ends 0 fit U1 "${wide[@]}" --threads 1 --out one
for threads in 2 4; do
  ends 0 fit U1 "${wide[@]}" --threads $threads --out threads-$threads
  same_run one threads-$threads
done
ends 0 fit U1 "${wide[@]}" --threads 1 --quiet --out quiet
[ ! -s "$log/out" ] && [ ! -s "$log/err" ] || fail "--quiet is not quiet: $(cat "$log/out")"
same_run one quiet
ends 0 fit U1 "${wide[@]}" --threads 1 --seed 2 --out two
! cmp -s one/model.riffle two/model.riffle || fail "another seed, the same bits"

# With pictures and without.
pictured=(--iterations 300 --batch 1000 --threads 1 --set run.evaluation_draws=1000
  --set run.draws=50 --set run.snapshot_every=150)
ends 0 fit U1 "${pictured[@]}" --out with
ends 0 fit U1 "${pictured[@]}" --no-plots --out without
same_run with without
[ -z "$(find without -name '*.png')" ] || fail "pictures in spite of --no-plots"
if command -v gnuplot >/dev/null; then
  [ -n "$(find with -name '*.png')" ] || fail "no pictures"
  ends 0 plot without
  [ -n "$(find without -name '*.png')" ] || fail "riffle plot drew nothing"
  ends 0 fit U1 "${brief[@]}" --force --out with
  [ -z "$(find with -name '*.png')" ] || fail "pictures of a run that was replaced are left"
fi
# Without gnuplot it goes without.
ends 0 fit U1 "${pictured[@]}" --out pictureless
PATH=/nowhere ends 0 fit U1 "${pictured[@]}" --force --out pictureless
grep -q '^warning: .*gnuplot' "$log/err" || fail "no word of a missing gnuplot"
same_run without pictureless

# Shorthands are keys.
ends 0 fit U1 "${brief[@]}" --seed 5 --lr 0.005 --flow planar:4 --precision float \
  --objective free-energy --threads 1 --out options
ends 0 fit U1 --set run.iterations=300 --set run.batch=32 --set run.plots=false \
  --set run.evaluation_draws=1000 --set run.draws=50 --set run.seed=5 \
  --set optimizer.learning_rate=0.005 --set flow.layers=planar:4 --set run.precision=float \
  --set objective.name=free-energy --set run.threads=1 --set run.out=keys
same_run options keys
same_file options/spec.toml keys/spec.toml

# Default folders.
printf '[target]\nname = "U3"\n' >mine.toml
ends 0 fit mine.toml "${brief[@]}" --seed 7
[ -s runs/mine-7/summary.json ] || fail "no runs/mine-7"
ends 0 fit runs/mine-7/spec.toml --seed 8
[ -s runs/mine-7-8/summary.json ] || fail "no runs/mine-7-8"
ends 0 fit U1 "${brief[@]}"
[ -s runs/U1-1/summary.json ] || fail "no runs/U1-1"
printf '[target]\nname = "U3"\n' | "$riffle" fit /dev/stdin "${brief[@]}" --out piped \
  >"$log/out" 2>"$log/err" || fail "no spec from a pipe: $(cat "$log/err")"
grep -q '"target": "U3"' piped/summary.json || fail "not the piped spec's target"
# A file goes before a recipe, and that before a target.
printf '[target]\nname = "U4"\n' >U1
ends 0 fit U1 "${brief[@]}" --out file
grep -q '"target": "U4"' file/summary.json || fail "a file of that name is not looked at first"
rm U1

# --force replaces, and only a folder that is not empty needs it.
mkdir empty
ends 0 fit U1 "${brief[@]}" --out empty
ends 73 fit U1 "${brief[@]}" --out empty
echo mine >empty/notes
ends 0 fit U1 "${brief[@]}" --out empty --force --seed 2
[ "$(cat empty/notes)" = mine ] || fail "--force took a file that was no run's"
grep -q 'seed = 2' empty/spec.toml || fail "--force did not replace the run"
ends 64 fit empty --resume
one_clear_line 'nothing to resume' 'resuming what is complete'
for option in '--seed 3' '--set run.seed=3' '--out elsewhere' '--iterations 5' '--lr 1'; do
  # shellcheck disable=SC2086  # option and value
  ends 64 fit empty --resume $option
  one_clear_line "${option%% *}" "resuming with $option"
done

# A map that folds is told of.
told=no
for seed in $(seq 1 40); do
  ends 0 fit tutorial --no-plots --quiet --force --out fold --seed "$seed" \
    --set schedule.name=constant --set run.evaluation_draws=1000 --set run.snapshot_every=10000
  if grep -q '"injective": false' fold/summary.json; then
    told=yes
    grep -q '^warning: .*injective' "$log/err" || fail "the screen does not warn of a fold"
    break
  fi
done
[ $told = yes ] || fail "no fold among 40 seeds, of which 22 % should"

finish
