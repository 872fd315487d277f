#!/usr/bin/env bash
# A finished fit of a posterior is judged again by more draws.
. "$(dirname "$0")/lib.sh"

# value FILE KEY: as it stands there.
value() {
  sed -n "s/^ *\"$2\": \(.*[^,]\),\{0,1\}\$/\1/p" "$1" | head -1
}

quick=(--no-plots --set run.evaluation_draws=2000 --set run.draws=300)
ends 0 fit ill-conditioned --set target.dim=10 "${quick[@]}" --out good
ends 0 diagnose good --sampler
made=good/diagnose.json
[ "$(value $made evaluation_draws)" = 10000 ] || fail "not 5 times as many draws"
says ' fresh ' diagnose
says 'verdict  reliable' diagnose
says 'wrote good/diagnose.json' diagnose
says 'sampler  64 chains of ' "diagnose --sampler"
says 'parameter ' diagnose
for key in $(sed -n '/"log_z":/,/"out_of_budget"/s/^  "\([a-z_]*\)":.*/\1/p' good/summary.json) \
  elbo elbo_se log_z_true seed seconds_in_target gradients weighted failed_evaluations; do
  grep -q "^  \"$key\": " $made || fail "diagnose.json has no $key"
done
[ "$(value $made climbs)" = "$(value good/summary.json climbs)" ] || fail "climbs differ"
[ "$(value $made log_z)" != "$(value good/summary.json log_z)" ] || fail "the same draws as the fit"

# Draws are new ones: as many as those of the run, at its seed, give another figure; and one seed
# gives one figure, on any number of threads.
ends 0 diagnose good -n 2000
[ "$(value $made evaluation_draws)" = 2000 ] || fail "-n was not heard"
again=$(value $made log_z)
[ "$again" != "$(value good/summary.json log_z)" ] || fail "the draws are those of the run"
ends 0 diagnose good -n 2000 --seed 1
[ "$(value $made log_z)" = "$again" ] || fail "the run's own seed is not the default"
ends 0 diagnose good -n 2000 --seed 2
[ "$(value $made log_z)" != "$again" ] || fail "--seed was not heard"
before=$(cat good/summary.json)
ends 0 diagnose good --strict
[ "$before" = "$(cat good/summary.json)" ] || fail "diagnose wrote summary.json"

# What the search knew counts.
cp -r good missing
sed -i 's/"modes_left_out": false/"modes_left_out": true/' missing/summary.json
ends 0 diagnose missing
says 'verdict  unreliable' "a fit that leaves modes out"
ends 65 diagnose missing --strict
one_clear_line unreliable "diagnose --strict"
cp -r good unseen
sed -i 's/"unseen_modes": [^,]*,/"unseen_modes": 0.5,/' unseen/summary.json
ends 65 diagnose unseen --strict
grep -q '"unseen_modes": 0.5' unseen/diagnose.json || fail "unseen_modes is not carried over"
ends 0 fit eight-schools "${quick[@]}" --max-gradients 60000 --out short
grep -q '"out_of_budget": true' short/summary.json || fail "it had enough"
ends 0 diagnose short
grep -q '"out_of_budget": true' short/diagnose.json || fail "out_of_budget is not carried over"
says budget "a fit that ran out of budget"

# A flow that was told is judged, too.
ends 0 fit eight-schools "${brief[@]}" --flow planar:2 --out told
ends 65 diagnose told --strict

# A run that takes the folder's place takes the diagnosis away.
ends 0 fit banana "${quick[@]}" --out good --force
[ ! -e good/diagnose.json ] || fail "a diagnosis of a run that is gone"

refuses 66 'no spec.toml' diagnose nowhere
refuses 64 '0 draws' diagnose good -n 0
refuses 64 'draws to diagnose by' diagnose good -n 99999999999
refuses 64 '-n' diagnose good -n many
ends 0 fit U1 "${brief[@]}" --out bound
refuses 64 '--method staged' diagnose bound
ends 0 fit eight-schools "${brief[@]}" --precision float --out single
refuses 64 'float' diagnose single
printf 'x,y\n' >points.csv
for i in $(seq 60); do echo "$i,$((i * i % 17))"; done >>points.csv
ends 0 fit --samples points.csv --iterations 20 --batch 32 --no-plots --flow affine --out learned
refuses 64 'density of samples' diagnose learned
cp -r good unfinished
rm unfinished/summary.json
refuses 64 'is not finished' diagnose unfinished
cp -r good damaged
echo '{"verdict": 1' >damaged/summary.json
refuses 65 'damaged/summary.json' diagnose damaged
cp -r good other
sed -i 's/^name = "banana"/name = "eight-schools"/; s/^dim = .*//; s/^curvature.*//' other/spec.toml
refuses 65 'has 10' diagnose other

finish
