#!/usr/bin/env bash
# Calibration: a sound model is told from one whose prior is wrong by a tenth; the same bits for any shards and threads.
. "$(dirname "$0")/lib.sh"
Rscript -e 'find.package("rstan")' >/dev/null 2>&1 || skip "no rstan"

ends 64 sbc logistic --simulations 2
one_clear_line 'Stan model' "a target without a simulator"
ends 64 sbc crescents --simulations 0
cat >model.stan <<'END'
data {
  real<lower=0> truth_sd;
  int<lower=1> N;
  vector[N] y;
}
parameters {
  real mu;
}
model {
  mu ~ normal(0, 1);
  y ~ normal(mu, 3);
}
generated quantities {
  real mu_sim = normal_rng(0, truth_sd);
  vector[N] y_sim;
  real log_lik = normal_lpdf(y | mu, 3);
  for (n in 1:N) y_sim[n] = normal_rng(mu_sim, 3);
}
END
echo '{"truth_sd": 1, "N": 1, "y": [0]}' >right.json
echo '{"truth_sd": 1.1, "N": 1, "y": [0]}' >wrong.json
few=(--simulations 40 --no-plots)

ends 0 sbc --stan model.stan --data right.json "${few[@]}" --threads 1 --out whole
says '40 simulations, 0 failed, 0 unreliable' "forty simulations"
says 'verdict      cannot tell: 40 fits' "forty simulations"
[ "$(wc -l <whole/ranks.csv)" -eq 41 ] || fail "ranks.csv has $(wc -l <whole/ranks.csv) lines"
head -1 whole/ranks.csv | grep -qx 'number,status,verdict,log_z,log_z_se,mu,log_density,log_likelihood' ||
  fail "columns: $(head -1 whole/ranks.csv)"
[ "$(awk 'length($0) > 60' "$log/out" | wc -l)" -le 1 ] || fail "wider than 60 columns: $(cat "$log/out")"
for k in 1 2 3; do ends 0 sbc --stan model.stan --data right.json "${few[@]}" --threads 2 --shard $k/3 --out shards; done
for name in ranks.csv summary.json results.csv; do same_file whole/$name shards/$name; done

# Killed, and begun again.
"$riffle" sbc --stan model.stan --data right.json "${few[@]}" --threads 1 --quiet --out killed >/dev/null 2>&1 &
pid=$!
sleep 0.5
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
ends 0 sbc --stan model.stan --data right.json "${few[@]}" --out killed
same_file whole/ranks.csv killed/ranks.csv

# What does not go together.
sed 's/mu_sim/nu_sim/g' model.stan >other.stan
ends 65 sbc --stan other.stan --data right.json --simulations 2 --out none
grep -q 'no mu_sim, a draw of the prior of mu' "$log/err" || fail "no simulation of mu: $(cat "$log/err")"

if [ "$effort" -eq 100 ]; then
  ends 0 sbc --stan model.stan --data right.json --simulations 200 --no-plots --out right
  grep -q '"verdict": "calibrated"' right/summary.json || fail "a sound model: $(cat "$log/out")"
  ends 0 sbc --stan model.stan --data wrong.json --simulations 1000 --no-plots --out wrong
  grep -q '"verdict": "not calibrated"' wrong/summary.json || fail "a prior that is off by a tenth: $(cat "$log/out")"
fi

finish
