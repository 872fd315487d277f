#!/usr/bin/env bash
# The density of points in a file.
. "$(dirname "$0")/lib.sh"

for i in $(seq 60); do echo "$i,$((i * i % 17))"; done >points.csv
learn=(--iterations 20 --batch 32 --flow affine --no-plots)
ends 0 fit --samples points.csv "${learn[@]}"
says 'held-out points)' "a fit to points"
says 'wrote runs/points-1/summary.json' "a fit to points"
for key in log_likelihood log_likelihood_se samples held_out; do
  grep -qE "^  \"$key\": -?[0-9]" runs/points-1/summary.json || fail "summary.json has no $key"
done

# A spec means the same wherever it is read.
mkdir elsewhere
(cd elsewhere && ends 0 fit ../runs/points-1/spec.toml --out ../again)
same_run runs/points-1 again

# Points may come from a pipe, which can be read once.
"$riffle" fit --samples /dev/stdin "${learn[@]}" --out piped <points.csv >"$log/out" 2>"$log/err" ||
  fail "no points from a pipe: $(cat "$log/err")"
# shellcheck disable=SC2002  # a pipe, not a file
cat points.csv | "$riffle" fit --samples /dev/stdin "${learn[@]}" --out piped --force \
  >"$log/out" 2>"$log/err" || fail "no points from a pipe: $(cat "$log/err")"
same_run runs/points-1 piped

# A spec file gives the flow and the rest, whatever its target and objective.
printf '%s\n' '[target]' 'name = "U3"' '[flow]' 'layers = "affine"' '[optimizer]' 'name = "adam"' \
  'learning_rate = 0.002' '[run]' 'iterations = 20' 'batch = 32' 'plots = false' >mine.toml
ends 0 fit mine.toml --samples points.csv
grep -q 'name = "maximum-likelihood"' runs/mine-1/spec.toml || fail "another objective"
same_run runs/points-1 runs/mine-1

# A single held-out point tells no standard error, and nothing that is not finite is shown as a number.
printf '1,2\n3,1\n2,5\n' >few.csv
ends 0 fit --samples few.csv "${learn[@]}"
says '± unknown   (mean over 1 held-out point)' "a fit to few points"
grep -q '3 points in 2 dimensions tell little' "$log/err" || fail "few points: $(cat "$log/err")"
grep -qE '"log_likelihood": -?[0-9]' runs/few-1/summary.json || fail "ln q of one point"
grep -q '"log_likelihood_se": null' runs/few-1/summary.json || fail "an error of one point"
if grep -qiw nan "$log/out"; then fail "nan on the screen: $(cat "$log/out")"; fi
printf '1,2\n' >one.csv
ends 65 fit --samples one.csv "${learn[@]}"
one_clear_line 'one.csv holds one point' "a single point"

# What a spec file leaves out is as it is without one, and keys that it gives are its own.
ends 0 fit --samples points.csv --iterations 20 --no-plots --out plain
grep -q 'layers = "maf:5 + actnorm"' plain/spec.toml || fail "another flow: $(cat plain/spec.toml)"
printf '[flow]\nlayers = "maf:5 + actnorm"\n' >flow.toml
ends 0 fit flow.toml --samples points.csv --iterations 20 --no-plots --out with-flow
same_run plain with-flow
printf '[optimizer]\nlearning_rate = 0.5\n' >rate.toml
ends 0 fit rate.toml --samples points.csv --iterations 20 --no-plots --out with-rate
diff plain/spec.toml with-rate/spec.toml >spec.diff
[ "$(grep -c '^[<>]' spec.diff)" = 2 ] && grep -q '> learning_rate = 0.5' spec.diff || fail "$(cat spec.diff)"

# The loss on held-out points is in loss.csv, and pictures are drawn of it again.
head -1 plain/loss.csv | grep -qx 'iteration,loss,held_out' || fail "$(head -1 plain/loss.csv)"
grep -qE '^20,[0-9.e+-]+,[0-9.e+-]+$' plain/loss.csv || fail "$(tail -1 plain/loss.csv)"
ends 0 plot plain

ends 0 fit U2 "${brief[@]}" --flow planar-free:3 --set optimizer.name=sgd --lr 1e300
says 'not finite' "a fit that diverged"
if grep -qiw nan "$log/out"; then fail "nan on the screen: $(cat "$log/out")"; fi

# Columns keep their names: in the model, in draws, in the summary, and when points come later.
awk 'BEGIN { print "id,\"height, m\",weight,kind"
  for (i = 1; i <= 60; i++) printf "%d,%.3f,%d,%s\n", i, 1.5 + i % 13 / 20, 50 + i * i % 17, i % 2 ? "a" : "b" }' >people.csv
refuses 65 'people.csv:2: "a" is not a number, in row 1, column kind; choose the columns of numbers by --columns' \
  fit --samples people.csv "${learn[@]}"
ends 0 fit --samples people.csv --columns 'weight,"height, m"' "${learn[@]}"
run=runs/people-1
[ "$(head -1 $run/draws.csv)" = 'lp_approx__,weight,"height, m"' ] || fail "header: $(head -1 $run/draws.csv)"
tr -d ' \n' <$run/summary.json | grep -q '"columns":\["weight","height,m"\]' || fail "summary.json has no names"
grep -q '^columns = \["weight", "height, m"\]' $run/spec.toml || fail "spec.toml has no columns"
ends 0 fit $run/spec.toml --out same
same_run $run same
ends 0 sample $run -n 3 -o three.csv
[ "$(head -1 three.csv)" = 'lp_approx__,weight,"height, m"' ] || fail "header: $(head -1 three.csv)"
ends 0 logdensity $run people.csv -o by-name.csv
awk -F, 'NR > 1 { print $3 "," $2 }' people.csv >in-order.csv
ends 0 logdensity $run/model.riffle in-order.csv -o in-order-q.csv
same_file by-name.csv in-order-q.csv
ends 0 logdensity $run $run/draws.csv -o q.csv
cut -d, -f1 q.csv | tail -n +2 >now
cut -d, -f1 $run/draws.csv | tail -n +2 >then
paste -d, now then | awk -F, '{ d = $1 - $2; if (d * d > 1e-4) bad++ } END { exit bad + 0 }' ||
  fail "ln q of draws.csv is another"
printf 'weight,size\n60,1.7\n' >other.csv
refuses 65 'no column is named "height, m", which the fit has; the table has "weight", "size"' logdensity $run other.csv
refuses 65 'no column "wieght"; did you mean "weight"?' fit --samples people.csv --columns wieght "${learn[@]}"
printf '1,2\n3,1e300\n5,6\n' >large.csv
refuses 65 'large.csv: row 2, column 2: 1e+300 is too large' fit --samples large.csv "${learn[@]}"
refuses 64 'target.columns chooses columns of target.samples' fit U1 --set target.columns=x "${learn[@]}"

finish
