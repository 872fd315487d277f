#!/usr/bin/env bash
# `riffle summary` and `riffle compare`: tables of finished runs.
. "$(dirname "$0")/lib.sh"

small=(--no-plots --quiet --set run.evaluation_draws=2000 --set run.draws=100)
ends 0 fit eight-schools-noncentered "${small[@]}" --out a
ends 0 fit gaussian --method staged "${small[@]}" --out g
ends 0 fit U1 "${brief[@]}" --quiet --out bound
printf 'x,y\n1,2\n3,5\n2,2\n4,4\n0,1\n' >points.csv
ends 0 fit --samples points.csv --objective 'maximum-likelihood(holdout=0)' --iterations 20 --no-plots --quiet --out p1
ends 0 fit --samples points.csv --objective 'maximum-likelihood(holdout=0)' --iterations 20 --no-plots --quiet --seed 2 --out p2

# The table that is asked for, in its order, none twice.
ends 0 summary a
says 'verdict' 'summary'
[ "$(grep -c '^theta\.' "$log/out")" -eq 8 ] || fail "not all parameters: $(cat "$log/out")"
ends 0 summary a 'theta[3]' tau 'theta.*' --csv
[ "$(cut -d, -f1 "$log/out" | tr '\n' ' ')" = "parameter theta.3 tau theta.1 theta.2 theta.4 theta.5 theta.6 theta.7 theta.8 " ] ||
  fail "parameters in another order: $(cut -d, -f1 "$log/out")"
ends 0 summary a theta -o theta.csv
[ ! -s "$log/out" ] || fail "-o writes to standard output, too"
[ "$(wc -l <theta.csv)" -eq 9 ] || fail "not a line for each element"
# All digits: the figures are those of summary.json.
grep -q "\"mean\": $(grep '^theta.1,' theta.csv | cut -d, -f2)" a/summary.json || fail "figures are not those of summary.json"
refuses 64 'did you mean "tau"?' summary a tua
refuses 66 'holds no run' summary nowhere
ends 0 summary bound
says 'z.2' 'summary of a bound'
says 'ELBO' 'summary of a bound'
ends 0 summary p1
says 'ln q' 'summary of points'

ends 0 compare a g
[ "$(sed -n 2p "$log/out" | cut -c1)" = g ] || fail "the highest evidence does not come first: $(cat "$log/out")"
says '1 : ' 'compare'
ends 0 compare a g --csv
awk -F, 'NR == 2 { z = $3; e = $4; if ($5 != 0) bad = 1 }
  NR == 3 { d = $5 - ($3 - z); s = $6 * $6 - $4 * $4 - e * e
            if (d * d > 1e-18 || s * s > 1e-24) bad = 1 }
  END { exit bad || NR != 3 }' "$log/out" || fail "differences are wrong: $(cat "$log/out")"
ends 0 compare p1 p2
says 'ln q' 'compare of points'
refuses 64 'two runs at least' compare a
refuses 64 'has a bound, but no evidence' compare a bound
refuses 64 'nothing to be compared by' compare a p1
refuses 66 'holds no run' compare a nowhere
printf 'x,y\n1,2\n3,5\n2,2\n4,4\n0,7\n' >others.csv
ends 0 fit --samples others.csv --objective 'maximum-likelihood(holdout=0)' --iterations 20 --no-plots --quiet --out p3
ends 0 compare p1 p3
grep -q 'different data' "$log/err" || fail "different data are not told: $(cat "$log/err")"
sed -i 's/"log_z_up_to_a_constant": false/"log_z_up_to_a_constant": true/; s/"verdict": "[a-z-]*"/"verdict": "unreliable"/' g/summary.json
ends 0 compare a g
grep -q 'unknown constant' "$log/err" || fail "an unknown constant is not told"
grep -q 'g is unreliable' "$log/err" || fail "an unreliable fit is not told"
echo '{' >g/summary.json
ends 65 compare a g
rm g/summary.json
refuses 64 'is not finished' compare a g

finish
